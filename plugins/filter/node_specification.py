# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a rendered tree to the cloud-config that lays it, and from a pool to its droplets."""

from __future__ import annotations

DOCUMENTATION = r"""
name: node_specification
short_description: Turn a rendered node tree into the document that coreos-cloudinit applies
version_added: 0.1.0
description:
  - Puts every file of the tree under C(/run/flotilla/tree), from where C(first-boot.service) installs it once, so that
    what is changed on the node later is not undone by the next boot.
  - Adds the two units that cloudinit starts, in order - C(first-boot.service), then C(kubernetes.target).
author: [flotilla.coreos contributors (@flotilla)]
options:
  _input:
    description: Files as P(flotilla.coreos.tree#lookup) returns them, each with C(path), C(content) and C(mode).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the user data of a worker
  ansible.builtin.debug:
    msg: "{{ query('flotilla.coreos.tree', 'common', 'worker', root=tree_dir)
             | flotilla.coreos.node_specification | flotilla.coreos.cloud_config }}"
"""

RETURN = r"""
_value:
  description: A dictionary with C(files) and C(units), the input of P(flotilla.coreos.cloud_config#filter).
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

_FIRST_BOOT = "/etc/systemd/system/first-boot.service"
_TREE = "/run/flotilla/tree"


def node_specification(tree: Sequence[Mapping[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """Return ``{"files": [...], "units": [...]}`` for cloud_config; raises where the tree lacks first-boot."""
    first_boot = next((file["content"] for file in tree if file["path"] == _FIRST_BOOT), None)
    if first_boot is None:
        raise AnsibleFilterError(f"node_specification: the tree has no {_FIRST_BOOT}, so nothing would install it")
    files = [
        {"path": _TREE + file["path"], "content": file["content"], "mode": file["mode"]}
        for file in tree
        if file["path"] != _FIRST_BOOT
    ]
    units = [
        {"name": "first-boot.service", "content": first_boot, "command": "start"},
        {"name": "kubernetes.target", "command": "start"},
    ]
    return {"files": files, "units": units}


class FilterModule:
    """The filter, as Ansible looks it up."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by name."""
        return {"node_specification": node_specification}
