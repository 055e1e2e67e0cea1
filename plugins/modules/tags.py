#!/usr/bin/python
# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: tags of droplets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tags
short_description: Put tags on droplets, or take them off
version_added: 0.1.0
description:
  - Makes sure that droplets carry tags, or do not. Other tags of theirs are left alone.
  - Without O(droplet_ids) it is about the tags themselves, which outlive the droplets that carried them.
author:
  - flotilla.coreos contributors (@flotilla)
extends_documentation_fragment:
  - flotilla.coreos._digitalocean
  - flotilla.coreos._attributes
  - flotilla.coreos._attributes.full
options:
  names:
    description: The tags. Letters, digits, hyphens, underscores and colons; no dots.
    type: list
    elements: str
    required: true
  droplet_ids:
    description: Ids of the droplets.
    type: list
    elements: int
    default: []
  state:
    description:
      - V(present) makes sure that the tags exist, and that the droplets carry them.
      - V(absent) takes them off the droplets, or without O(droplet_ids) deletes the tags.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Remember which droplets have finished their bootstrap
  flotilla.coreos.tags:
    names: ["flotilla:demo:ready"]
    droplet_ids: [51230017, 51230018]
"""

RETURN = r"""
tags:
  description: The tags that exist afterwards.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The tag.
      type: str
      sample: flotilla:demo:ready
    droplet_ids:
      description: Ids of the droplets that carry it.
      type: list
      elements: int
      sample: [51230017, 51230018]
"""

from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.options import access_from, create_module
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.tags import TagsBackend, TagSpec
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import errors_reported

if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the module."""
    module = create_module(
        {
            "names": {"type": "list", "elements": "str", "required": True},
            "droplet_ids": {"type": "list", "elements": "int", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        }
    )
    params = module.params
    with errors_reported(module):
        backend = TagsBackend(access_from(params))
        spec = TagSpec(names=params["names"], droplet_ids=params["droplet_ids"], present=params["state"] == "present")
        plan = backend.plan(spec)
        if not module.check_mode:
            backend.apply(plan)
    module.exit_json(changed=plan.changed, diff=plan.diff(), tags=plan.to_result())


if __name__ == "__main__":
    main()
