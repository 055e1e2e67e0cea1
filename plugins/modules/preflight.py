#!/usr/bin/python
# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: check a cluster's declaration."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check the declaration of a cluster against itself and against the account
version_added: 0.1.0
description:
  - Checks names, counts, networks, region, sizes, image, token and droplet limit before anything is created, and fails
    with all problems at once. Each one names the variable, its value and what would do.
author:
  - flotilla.coreos contributors (@flotilla)
extends_documentation_fragment:
  - flotilla.coreos._digitalocean
  - flotilla.coreos._attributes
  - flotilla.coreos._attributes.read_only
options:
  cluster_name:
    description: Name of the cluster.
    type: str
    required: true
  region:
    description: Slug of the region.
    type: str
    required: true
  image:
    description: Slug or id of an image, or the name of one of the account's own.
    type: str
    required: true
  control_plane:
    description: The control planes.
    type: dict
    required: true
    suboptions:
      count:
        description: How many.
        type: int
        required: true
      size:
        description: Slug of their size.
        type: str
        required: true
  pools:
    description: The pools of workers.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the pool; V(control-plane) is refused.
        type: str
        required: true
      count:
        description: How many workers.
        type: int
        required: true
      size:
        description: Slug of their size.
        type: str
        required: true
  etcd_size:
    description: How many control planes become etcd members; odd.
    type: int
    required: true
  pod_network:
    description: Network of the pods; each node takes a /24 of it.
    type: str
    required: true
  service_network:
    description: Network of the services' addresses.
    type: str
    required: true
  vpc_uuid:
    description: The droplets' private network; the region's default one if absent or empty.
    type: str
    default: ""
  discovery_url:
    description: Base URL of the discovery service, if there is to be one. Its form is checked, it is not asked.
    type: str
"""

EXAMPLES = r"""
- name: Check the declaration
  flotilla.coreos.preflight:
    cluster_name: demo
    region: fra1
    image: flatcar-stable
    control_plane: {count: 1, size: s-2vcpu-4gb}
    pools:
      - {name: worker, count: 2, size: s-2vcpu-2gb}
    etcd_size: 1
    pod_network: 10.244.0.0/16
    service_network: 10.245.0.0/16
  register: preflight_result
"""

RETURN = r"""
preflight:
  description: What the account answered.
  type: dict
  returned: success
  contains:
    account:
      description: Its status and how many droplets it may have.
      type: dict
      sample: {status: active, droplet_limit: 25}
    image:
      description: The image that was found.
      type: dict
      sample: {id: 63663980, slug: null, name: flatcar-stable, public: false}
    droplets:
      description: How many the account and the cluster have, and the names that would be created.
      type: dict
      sample: {in_account: 4, in_cluster: 2, to_create: [demo-worker-2]}
api_requests:
  description: How many requests were sent to the API.
  type: int
  returned: success
  sample: 6
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import CONTROL_PLANE
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.options import access_from, create_module
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import errors_reported
from ansible_collections.flotilla.coreos.plugins.module_utils._preflight import (
    Declaration,
    PoolDeclaration,
    check_or_raise,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

GROUP_OPTIONS: dict[str, dict[str, Any]] = {
    "count": {"type": "int", "required": True},
    "size": {"type": "str", "required": True},
}


def declaration_from(params: Mapping[str, Any]) -> Declaration:
    """Read the module's parameters."""
    return Declaration(
        cluster=params["cluster_name"],
        region=params["region"],
        image=params["image"],
        control_plane=PoolDeclaration(name=CONTROL_PLANE, **params["control_plane"]),
        pools=tuple(PoolDeclaration(**pool) for pool in params["pools"]),
        etcd_size=params["etcd_size"],
        pod_network=params["pod_network"],
        service_network=params["service_network"],
        vpc_uuid=params["vpc_uuid"],
        discovery_url=params["discovery_url"],
    )


def main() -> NoReturn:
    """Run the module."""
    module = create_module(
        {
            "cluster_name": {"type": "str", "required": True},
            "region": {"type": "str", "required": True},
            "image": {"type": "str", "required": True},
            "control_plane": {"type": "dict", "required": True, "options": GROUP_OPTIONS},
            "pools": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": {"type": "str", "required": True}, **GROUP_OPTIONS},
            },
            "etcd_size": {"type": "int", "required": True},
            "pod_network": {"type": "str", "required": True},
            "service_network": {"type": "str", "required": True},
            "vpc_uuid": {"type": "str", "default": ""},
            "discovery_url": {"type": "str"},
        }
    )
    with errors_reported(module):
        access = access_from(module.params)
        declaration = declaration_from(module.params)
        view = check_or_raise(access, declaration)
    module.exit_json(changed=False, preflight=view.to_result(declaration), api_requests=access.counter.count)


if __name__ == "__main__":
    main()
