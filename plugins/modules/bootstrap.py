# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin bootstrap; everything runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap
short_description: Follow nodes until each has reached its Multi-User System
version_added: 0.1.0
author: [flotilla.coreos contributors (@flotilla)]
description:
  - Watches nodes that bootstrap themselves and shows where each stands while it does. One long poll over SSH a node, no
    Python on the nodes.
  - Ends as soon as C(kubernetes.target) and C(multi-user.target) are active on all nodes.
  - Ends early when a unit of the chain has failed for good, with the last lines of its journal. A unit that keeps
    restarting does not end the wait, but its last journal line is shown.
  - A node that reboots meanwhile is waited for.
  - Labels nodes that have never been ready (host variable C(flotilla_ready)) with their roles, from a control plane
    (C(flotilla_role)) among them.
  - Draws the units of all nodes as bars against one clock, in C(bootstrap.html).
attributes:
  check_mode:
    description: Only looks.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
options:
  cluster_name:
    description: The cluster's name, for the output folder and the title of the timeline.
    type: str
    required: true
  nodes:
    description: Inventory names of the nodes to follow.
    type: list
    elements: str
    required: true
  timeout_s:
    description: Seconds until every node has to be up.
    type: int
    default: 1200
  output_dir:
    description:
      - Where C(bootstrap.html) goes, in a folder of the cluster's name. If this folder cannot be written, a temporary
        one is used and named.
    type: path
    default: .state
"""

EXAMPLES = r"""
- name: Follow the nodes
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Follow the nodes until each has reached its Multi-User System
      flotilla.coreos.bootstrap:
        cluster_name: demo
        nodes: "{{ groups['kube_control_plane'] + groups['kube_node'] }}"
        timeout_s: 900
"""

RETURN = r"""
nodes:
  description:
    - For each node the seconds from its boot until it was up, whether it was up at the first look, and its units with
      the seconds since boot at which each started and was done.
  returned: success
  type: dict
  sample:
    demo-worker-1:
      ready_s: 21.4
      was_up: false
      units: [{name: artifacts.service, since_s: 2.1, done_s: 6.0, restarts: 0}]
waited_s:
  description: Seconds that this task waited.
  returned: success
  type: float
  sample: 19.2
timeline:
  description: Path of the timeline.
  returned: success
  type: str
  sample: .state/demo/bootstrap.html
ssh_exchanges:
  description: How many SSH exchanges were needed.
  returned: success
  type: int
  sample: 40
failure:
  description: What failed, as data; C(unit) is the unit at fault, C(journal) the end of its journal.
  returned: failure
  type: dict
  sample: {kind: NodeBootstrapError, node: demo-worker-1, unit: artifacts.service}
"""
