# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin node_tree; everything runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_tree
short_description: Bring files on a node to a wanted state over SSH
version_added: 0.1.0
author: [flotilla.coreos contributors (@flotilla)]
description:
  - Compares files with those on one node and writes the ones that differ, owned by root, each in one step. Two SSH
    exchanges at most, whatever the number of files, and no Python on the node.
  - Files that are on the node but not in O(files) are left alone.
attributes:
  check_mode:
    description: Says which files would be written.
    support: full
  diff_mode:
    description: Shows the contents before and after.
    support: full
options:
  host:
    description: Inventory name of the node.
    type: str
    required: true
  files:
    description: The files, as P(flotilla.coreos.tree#lookup) returns them.
    type: list
    elements: dict
    required: true
    options:
      path:
        description: Absolute path on the node.
        type: str
        required: true
      content:
        description: What the file shall hold.
        type: str
        required: true
      mode:
        description: Permission bits as an octal number.
        type: str
        default: "0644"
  timeout_s:
    description: Seconds until the node has to answer.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Change the message of the day of a node
  flotilla.coreos.node_tree:
    host: demo-worker-1
    files:
      - path: /etc/motd
        content: "Part of the cluster demo\n"
"""

RETURN = r"""
paths:
  description: Paths that were (in check mode, would be) written.
  returned: success
  type: list
  elements: str
  sample: [/etc/motd]
"""
