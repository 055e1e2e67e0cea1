#!/usr/bin/python
# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the droplets of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: droplets
short_description: Create or delete the droplets of a cluster, as a set
version_added: 0.1.0
description:
  - Creates all missing droplets of a cluster at once, ten names a request and requests in parallel, then polls one list
    until every droplet is active with a public and a private address.
  - Droplets are found by the tag C(flotilla:CLUSTER) and their name. One that is there is used, also when a run that
    was cut short has left it; none is ever made twice. Two of one name stop the module, and both are named.
  - A droplet is never recreated by this module; RV(differs) names those that are not as wanted.
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
  state:
    description:
      - V(present) creates what is missing.
      - V(absent) deletes the droplets in O(names), or without O(names) all of the cluster and the cluster's tags, and
        returns when the API knows them no more.
    type: str
    choices: [present, absent]
    default: present
  names:
    description: With O(state=absent), the droplets to delete. Empty means all of the cluster.
    type: list
    elements: str
    default: []
  region:
    description: Slug of the region. Required with O(state=present).
    type: str
  image:
    description:
      - Slug or id of an image, or the name of one of the account's own, of which the newest that the region can use is
        taken. Required with O(state=present).
    type: str
  ssh_keys:
    description: Ids or MD5 fingerprints of the account's SSH keys that may log in.
    type: list
    elements: str
    default: []
  vpc_uuid:
    description: The private network; the region's default one if absent or empty.
    type: str
    default: ""
  pools:
    description: Droplets that differ in nothing but their names. Required with O(state=present).
    type: list
    elements: dict
    suboptions:
      names:
        description: The droplets' names.
        type: list
        elements: str
        required: true
      size:
        description: Slug of their size.
        type: str
        required: true
      tags:
        description:
          - Their tags; the tag of the cluster is added.
          - Droplets that exist get those that they lack, apart from C(:spec:) and C(:discovery:), which tell what a
            droplet was made from.
        type: list
        elements: str
        default: []
      user_data:
        description: Their user data. Diffs show its SHA-256.
        type: str
        default: ""
  timeout_s:
    description: How long to wait for droplets to become active, or to be gone, in seconds.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Create the droplets of a small cluster
  flotilla.coreos.droplets:
    cluster_name: demo
    region: fra1
    image: flatcar-stable
    ssh_keys: ["{{ key.ssh_key.fingerprint }}"]
    pools:
      - names: [demo-control-plane-1]
        size: s-2vcpu-4gb
        tags: ["flotilla:demo:control-plane"]
        user_data: "{{ control_plane_user_data }}"
      - names: [demo-worker-1, demo-worker-2]
        size: s-2vcpu-2gb
        tags: ["flotilla:demo:pool:worker"]
        user_data: "{{ worker_user_data }}"

- name: Delete the cluster's droplets and tags
  flotilla.coreos.droplets:
    cluster_name: demo
    state: absent
"""

RETURN = r"""
droplets:
  description: The wanted droplets in the order of their names in O(pools); with O(state=absent) an empty list.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Its id; null where check mode would create it.
      type: int
      sample: 51230017
    name:
      description: Its name.
      type: str
      sample: demo-worker-1
    status:
      description: Its state, V(active) unless in check mode.
      type: str
      sample: active
    region:
      description: Slug of its region.
      type: str
      sample: fra1
    size:
      description: Slug of its size.
      type: str
      sample: s-2vcpu-2gb
    image:
      description: Slug of its image, or the id if that has none.
      type: str
      sample: flatcar-stable
    tags:
      description: Its tags.
      type: list
      elements: str
      sample: ["flotilla:demo", "flotilla:demo:pool:worker"]
    public_ipv4:
      description: Its public address.
      type: str
      sample: 203.0.113.21
    private_ipv4:
      description: Its address in the private network.
      type: str
      sample: 10.114.0.3
    vpc_uuid:
      description: The private network that it is in.
      type: str
      sample: 760e09ef-dc84-11e8-981e-3cfdfeaae000
    created_at:
      description: When it was created.
      type: str
      sample: "2026-11-23T04:05:06Z"
actions:
  description:
    - What was done, or would be, droplet by droplet.
    - One of V(create), V(adopt) (it was there, but not known to have ever been ready), V(tag), V(power_on),
      V(unchanged), V(delete).
  type: list
  elements: dict
  returned: success
  sample: [{action: create, name: demo-worker-1, id: 51230017}]
differs:
  description: Names of droplets that would have to be replaced to be as wanted.
  type: list
  elements: str
  returned: success
  sample: []
differences:
  description: How they differ. C(attribute) is V(size), V(region) or V(spec), the hash of the specification.
  type: list
  elements: dict
  returned: success
  sample: [{name: demo-worker-1, attribute: size, before: s-1vcpu-2gb, after: s-2vcpu-2gb}]
extra:
  description: Names of droplets of the cluster that were not asked for; they are left alone.
  type: list
  elements: str
  returned: success
  sample: []
kept:
  description: With O(state=absent), what belongs to the cluster's tags and stays, and why.
  type: list
  elements: dict
  returned: success
  sample: [{what: "tag flotilla:demo", why: "1 images of the account carry it, which this collection never tags"}]
api_requests:
  description: How many requests were sent to the API.
  type: int
  returned: success
  sample: 9
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.droplets import (
    DropletsBackend,
    DropletsSpec,
    PoolSpec,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.options import access_from, create_module
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.removal import RemovalBackend, RemovalSpec
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import errors_reported

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess

POOL_OPTIONS: dict[str, dict[str, Any]] = {
    "names": {"type": "list", "elements": "str", "required": True},
    "size": {"type": "str", "required": True},
    "tags": {"type": "list", "elements": "str", "default": []},
    "user_data": {"type": "str", "default": ""},
}


def present(access: ApiAccess, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Create what is missing and return the result."""
    pools = [
        PoolSpec(names=tuple(pool["names"]), size=pool["size"], tags=tuple(pool["tags"]), user_data=pool["user_data"])
        for pool in params["pools"]
    ]
    spec = DropletsSpec(
        cluster=params["cluster_name"],
        region=params["region"],
        image=params["image"],
        pools=tuple(pools),
        ssh_keys=tuple(params["ssh_keys"]),
        vpc_uuid=params["vpc_uuid"],
        timeout_s=params["timeout_s"],
    )
    backend = DropletsBackend(access)
    plan = backend.plan(spec)
    outcome = None if check_mode else backend.apply(plan)
    return {
        "changed": plan.changed,
        "diff": plan.diff(),
        "droplets": [droplet.to_result() for droplet in outcome.droplets] if outcome else plan.predicted(),
        "actions": outcome.actions if outcome else plan.actions(),
        "differs": plan.differs,
        "differences": [difference.to_result() for difference in plan.differences],
        "extra": [droplet.name for droplet in plan.extra],
        "warnings": plan.warnings(),
        "kept": [],
    }


def absent(access: ApiAccess, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Delete what is there and return the result."""
    backend = RemovalBackend(access)
    plan = backend.plan(
        RemovalSpec(cluster=params["cluster_name"], names=tuple(params["names"]), timeout_s=params["timeout_s"])
    )
    if not check_mode:
        backend.apply(plan)
    return {
        "changed": plan.changed,
        "diff": plan.diff(),
        "droplets": [],
        "actions": plan.actions(),
        "differs": [],
        "differences": [],
        "extra": [],
        "warnings": [],
        "kept": [kept.to_result() for kept in plan.kept],
    }


def main() -> NoReturn:
    """Run the module."""
    module = create_module(
        {
            "cluster_name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "names": {"type": "list", "elements": "str", "default": []},
            "region": {"type": "str"},
            "image": {"type": "str"},
            "ssh_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "vpc_uuid": {"type": "str", "default": ""},
            "pools": {"type": "list", "elements": "dict", "options": POOL_OPTIONS},
            "timeout_s": {"type": "float", "default": 600},
        },
        required_if=[("state", "present", ("region", "image", "pools"))],
    )
    run = present if module.params["state"] == "present" else absent
    with errors_reported(module):
        access = access_from(module.params)
        result = run(access, module.params, check_mode=module.check_mode)
    module.exit_json(**result, api_requests=access.counter.count)


if __name__ == "__main__":
    main()
