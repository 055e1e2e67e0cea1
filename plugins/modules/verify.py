# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin verify; everything runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Check every node of a cluster, and the cluster
version_added: 0.1.0
author: [flotilla.coreos contributors (@flotilla)]
description:
  - Looks at the real thing and reports each check as a line with its figure - systemd's targets and failed units, days
    left on every certificate, flannel's lease and device, the kubelet, etcd's health, members and compaction, the way
    to the API server, the cluster's DNS asked from every node, static pods, CoreDNS, the dashboard's page through the
    API server, figures of metrics-server, and TCP traffic between the pods of every two nodes.
  - All checks run at once; those of a node in one SSH exchange that needs no Python there. For the traffic between pods
    there is a DaemonSet in C(kube-system) meanwhile, labelled C(flotilla.coreos/verify).
  - A check that does not hold yet is repeated until O(wait_s) is over, so that a cluster that has just come up is given
    time. What waiting would not mend fails at once, and shortens the wait of the others.
  - Fails if any check failed, with node, check, what was seen, and the command to look closer.
attributes:
  check_mode:
    description: The same. It changes nothing that lasts.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
options:
  cluster_name:
    description: The cluster's name, for the output folder.
    type: str
    required: true
  control_plane:
    description: Inventory names of the control planes.
    type: list
    elements: str
    required: true
  workers:
    description: Inventory names of all other nodes.
    type: list
    elements: str
    default: []
  wait_s:
    description: Seconds for the slowest checks to hold. Most have to within 20 seconds of it.
    type: int
    default: 60
  kubeconfig:
    description: The kubeconfig to use; by default C(kubeconfig) in the output folder.
    type: path
  output_dir:
    description:
      - Where C(verify.json) goes, in a folder of the cluster's name. If this folder cannot be written, a temporary one
        is used and named.
    type: path
    default: .state
"""

EXAMPLES = r"""
- name: Verify the cluster
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Check every node and the cluster
      flotilla.coreos.verify:
        cluster_name: demo
        control_plane: "{{ groups['kube_control_plane'] }}"
        workers: "{{ groups['kube_node'] }}"
"""

RETURN = r"""
checks:
  description: All checks, the cluster's first, then node by node. C(look) is a command to look closer.
  returned: success
  type: list
  elements: dict
  sample:
    - node: demo-worker-1
      check: kubelet
      ok: true
      seen: healthz says ok
      look: ssh core@203.0.113.11 sudo journalctl -u kubelet.service
      figures: null
ok:
  description: Whether all checks hold.
  returned: success
  type: bool
  sample: true
at:
  description: When it was verified, in UTC.
  returned: success
  type: str
  sample: "2026-11-23T10:00:00+00:00"
duration_s:
  description: Seconds that the checks took.
  returned: success
  type: float
  sample: 4.2
report:
  description: Path of the report, which holds all of this with a failed task too.
  returned: always
  type: str
  sample: .state/demo/verify.json
ssh_exchanges:
  description: How many SSH exchanges were needed.
  returned: success
  type: int
  sample: 6
failure:
  description: Which checks failed.
  returned: failure
  type: dict
  sample: {kind: VerifyFailedError, checks: [{node: demo-worker-1, check: kubelet}]}
"""
