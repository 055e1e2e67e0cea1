# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a pool's declaration to the names and tags of its droplets."""

from __future__ import annotations

DOCUMENTATION = r"""
name: droplet_pool
short_description: Names, tags and user data of a pool's droplets
version_added: 0.1.0
description:
  - Turns a pool's declaration into an element of the option C(pools) of M(flotilla.coreos.droplets).
author: [flotilla.coreos contributors (@flotilla)]
options:
  _input:
    description: A pool with C(name), C(count) and C(size).
    type: dict
    required: true
  cluster_name:
    description: The cluster's name.
    type: str
    required: true
  token:
    description: The discovery token; becomes a tag.
    type: str
    required: true
  user_data:
    description: User data by pool name; the hash of what it says becomes the specification tag.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the droplets of a pool
  ansible.builtin.debug:
    msg: "{{ {'name': 'worker', 'count': 2, 'size': 's-2vcpu-2gb'}
             | flotilla.coreos.droplet_pool(cluster_name='demo', token='abc', user_data={'worker': '#cloud-config'}) }}"
"""

RETURN = r"""
_value:
  description: A dictionary with C(names), C(size), C(tags) and C(user_data).
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._cloud_config import specification_digest
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import (
    cluster_tag,
    discovery_prefix,
    droplet_names,
    role_tag,
    spec_tag,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def droplet_pool(
    pool: Mapping[str, Any], *, cluster_name: str, token: str, user_data: Mapping[str, str]
) -> dict[str, Any]:
    """Return one element of the droplets module's ``pools``."""
    name, text = pool["name"], user_data[pool["name"]]
    return {
        "names": droplet_names(cluster_name, name, int(pool["count"])),
        "size": pool["size"],
        "tags": [
            cluster_tag(cluster_name),
            role_tag(cluster_name, name),
            f"{discovery_prefix(cluster_name)}{token}",
            spec_tag(cluster_name, specification_digest(text)),
        ],
        "user_data": text,
    }


class FilterModule:
    """The filter, as Ansible looks it up."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by name."""
        return {"droplet_pool": droplet_pool}
