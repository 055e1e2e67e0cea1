#!/usr/bin/python
# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the discovery token of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_discovery
short_description: Request a cluster's etcd discovery token, or find the one that it has
version_added: 0.1.0
description:
  - Asks a service that speaks etcd's v2 discovery protocol, as discovery.etcd.io did, for a token, and keeps it in a
    tag of the DigitalOcean account, C(flotilla:CLUSTER:discovery:TOKEN), so that every later run finds it.
  - A token counts while a living droplet of the cluster carries its tag, or while nobody has registered under it.
    The tag of any other is deleted and a new token requested, since tags outlive droplets.
  - Two tokens that count stop the module; it names both.
author:
  - flotilla.coreos contributors (@flotilla)
extends_documentation_fragment:
  - flotilla.coreos._digitalocean
  - flotilla.coreos._attributes
  - flotilla.coreos._attributes.full
options:
  cluster_name:
    description: Name of the cluster.
    type: str
    required: true
  url:
    description: Base URL of the discovery service, which nodes must reach too. Required with O(state=present).
    type: str
  size:
    description:
      - How many members the etcd cluster starts with; odd, at least 1. Required with O(state=present).
      - A token that droplets already carry keeps the size that it was made with.
    type: int
  state:
    description:
      - V(present) makes sure that there is one token.
      - V(absent) deletes the cluster's token tags.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Request the discovery token of a cluster with three control planes, once
  flotilla.coreos.etcd_discovery:
    cluster_name: demo
    url: http://discovery.example.net:8087
    size: 3
  register: discovery_result
"""

RETURN = r"""
discovery:
  description: The cluster's discovery; null with O(state=absent).
  type: dict
  returned: success
  contains:
    token:
      description: The token; null where check mode would request one.
      type: str
      sample: 6b1f0d0ee2c9f7c1a55b9e3d0f6f2a77
    url:
      description: The URL that nodes use; null where check mode would request a token.
      type: str
      sample: http://discovery.example.net:8087/6b1f0d0ee2c9f7c1a55b9e3d0f6f2a77
    size:
      description: For how many members the token was made.
      type: int
      sample: 3
    requested:
      description: Whether the token is new, or would be in check mode.
      type: bool
      sample: true
    registered:
      description: How many members have registered; null if the service could not tell.
      type: int
      sample: 0
forgotten:
  description: Tokens whose tags were deleted, since nothing that lives uses them.
  type: list
  elements: str
  returned: success
  sample: []
"""

from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.options import access_from, create_module
from ansible_collections.flotilla.coreos.plugins.module_utils._discovery import (
    DiscoveryBackend,
    DiscoveryService,
    DiscoverySpec,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import errors_reported
from ansible_collections.flotilla.coreos.plugins.module_utils._http import PlainHttp

if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the module."""
    module = create_module(
        {
            "cluster_name": {"type": "str", "required": True},
            "url": {"type": "str"},
            "size": {"type": "int"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ("url", "size"))],
    )
    params = module.params
    with errors_reported(module):
        access = access_from(params)
        backend = DiscoveryBackend(access, DiscoveryService(params["url"] or "", PlainHttp(access.clock)))
        present = params["state"] == "present"
        plan = backend.plan(DiscoverySpec(cluster=params["cluster_name"], size=params["size"] or 0, present=present))
        discovery = plan.predicted if module.check_mode else backend.apply(plan)
    for warning in plan.warnings:
        module.warn(warning)
    result = discovery.to_result() if discovery else None
    module.exit_json(changed=plan.changed, diff=plan.diff(discovery), discovery=result, forgotten=list(plan.stale))


if __name__ == "__main__":
    main()
