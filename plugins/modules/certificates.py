# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin certificates; everything runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates
short_description: Give every node of a cluster its certificates
version_added: 0.1.0
author: [flotilla.coreos contributors (@flotilla)]
description:
  - Waits until the nodes answer over SSH, takes the certificate requests that they have made, checks each against what
    that droplet may be, signs and hands the certificates back. Private keys of nodes never leave them.
  - One task for the whole cluster, run on the controller, with a thread for each node. The nodes need no Python.
  - The authorities (etcd, kubernetes, front-proxy), the service-account key and the key for Secrets at rest are made at
    the first run and kept on the control planes, before the first signature. Later runs read them from there. When
    any node has a certificate but no control plane has authorities, the task fails and makes none.
  - Certificates that are missing, expire soon, come from another authority, belong to another key or no longer say what
    the droplet is are signed anew. All others stay, so that a second run signs nothing.
  - Writes the administrator's kubeconfig unless the one that is there still works.
  - While it runs, it holds a lock on the first control plane against a second controller.
notes:
  - Connection variables of each node (C(ansible_host), C(ansible_user), C(ansible_ssh_common_args) and so on) are
    those of the inventory. C(flotilla_private_ipv4) and C(flotilla_public_ipv4) must be set, as
    P(flotilla.coreos.droplets#inventory) does.
attributes:
  check_mode:
    description: Says what would be signed; signs, stores and locks nothing.
    support: full
  diff_mode:
    description: There is nothing to show that is no secret.
    support: none
options:
  cluster_name:
    description: The cluster's name; part of the authorities' names and of the kubeconfig.
    type: str
    required: true
  control_plane:
    description: Inventory names of the control planes. The first keeps the lock.
    type: list
    elements: str
    required: true
  workers:
    description: Inventory names of all other nodes.
    type: list
    elements: str
    default: []
  service_api_ip:
    description: Address of the service C(kubernetes), the first of the service network.
    type: str
    required: true
  cluster_domain:
    description: DNS domain of the cluster's services.
    type: str
    default: cluster.local
  api_endpoint:
    description: Further host names or addresses under which the API server is reached, such as a load balancer's.
    type: list
    elements: str
    default: []
  timeout_s:
    description: Seconds until every node has to have its certificates.
    type: int
    default: 600
  renew_days:
    description: Certificates with fewer days left are signed anew.
    type: int
    default: 90
  output_dir:
    description:
      - Where the kubeconfig goes, in a folder of the cluster's name. If this folder cannot be written, a temporary
        one is used and named.
    type: path
    default: .state
"""

EXAMPLES = r"""
- name: Take the nodes' certificate requests, check, sign and hand back
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Give every node its certificates
      flotilla.coreos.certificates:
        cluster_name: demo
        control_plane: "{{ groups['kube_control_plane'] }}"
        workers: "{{ groups['kube_node'] }}"
        service_api_ip: 10.245.0.1
"""

RETURN = r"""
authorities:
  description: Whether the authorities were V(minted) by this run (in check mode, would be) or V(read).
  returned: success
  type: str
  sample: read
nodes:
  description: For each node the certificates that were signed and kept, and when the first of them expires.
  returned: success
  type: dict
  sample:
    demo-worker-1:
      signed: []
      kept: [etcd/flannel, etcd/node, kube-proxy, kubelet, kubelet-server]
      expires: "2027-11-23T10:00:00+00:00"
kubeconfig:
  description: Path of the administrator's kubeconfig.
  returned: success
  type: str
  sample: .state/demo/kubeconfig
server:
  description: Address of the API server in the kubeconfig.
  returned: success
  type: str
  sample: https://203.0.113.10:6443
ssh_exchanges:
  description: How many SSH exchanges were needed.
  returned: success
  type: int
  sample: 7
failure:
  description: What failed, as data; C(kind) names the fault, C(node) the node, if it is one node's.
  returned: failure
  type: dict
  sample: {kind: LockedError, node: demo-control-plane-1, holder: ann@laptop pid 17 start 99 since 2026-11-23T10:00:00Z}
"""
