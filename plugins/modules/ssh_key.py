#!/usr/bin/python
# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: SSH keys of the account."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_key
short_description: Put an SSH key into a DigitalOcean account, or remove it
version_added: 0.1.0
description:
  - Makes sure that the account has a public key, so that droplets can be created with it.
  - DigitalOcean keeps each key once, whatever its name. A key that is there under another name is used as it is,
    and its name is left alone.
author:
  - flotilla.coreos contributors (@flotilla)
extends_documentation_fragment:
  - flotilla.coreos._digitalocean
  - flotilla.coreos._attributes
  - flotilla.coreos._attributes.full
options:
  name:
    description:
      - Name for the key if it has to be created.
      - With O(state=absent) only a key of exactly this name is removed.
    type: str
    required: true
  public_key:
    description: The public key in OpenSSH's format, one line.
    type: str
    required: true
  state:
    description:
      - V(present) makes sure that the account has the key.
      - V(absent) removes it if it has the name O(name); RV(kept) tells if it has another and stays.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Register the operator's key
  flotilla.coreos.ssh_key:
    name: flotilla-demo
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
  register: key

- name: Remove it again
  flotilla.coreos.ssh_key:
    name: flotilla-demo
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
    state: absent
"""

RETURN = r"""
ssh_key:
  description: The key; null if it is gone.
  type: dict
  returned: success
  contains:
    id:
      description: Its id; null where check mode would create it.
      type: int
      sample: 512190
    name:
      description: Its name in the account.
      type: str
      sample: flotilla-demo
    fingerprint:
      description: Its MD5 fingerprint, which droplet creation accepts in place of the id.
      type: str
      sample: 3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa
    public_key:
      description: The key itself.
      type: str
      sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here
kept:
  description: With O(state=absent), a key that stays, and why.
  type: list
  elements: dict
  returned: success
  contains:
    what:
      description: The thing.
      type: str
      sample: SSH key 3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa
    why:
      description: The reason.
      type: str
      sample: the account has it under the name 'laptop', not 'flotilla-demo', so it was not made for this
"""

from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.options import access_from, create_module
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.ssh_keys import SshKeyBackend, SshKeySpec
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import errors_reported

if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the module."""
    module = create_module(
        {
            "name": {"type": "str", "required": True},
            "public_key": {"type": "str", "required": True, "no_log": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        }
    )
    params = module.params
    with errors_reported(module):
        backend = SshKeyBackend(access_from(params))
        present = params["state"] == "present"
        plan = backend.plan(SshKeySpec(name=params["name"], public_key=params["public_key"], present=present))
        key = None if module.check_mode else backend.apply(plan)
    result = plan.predicted() if module.check_mode else key and key.to_result()
    kept = [{"what": f"SSH key {plan.before.fingerprint}", "why": plan.kept}] if plan.kept and plan.before else []
    module.exit_json(changed=plan.changed, diff=plan.diff(), ssh_key=result, kept=kept)


if __name__ == "__main__":
    main()
