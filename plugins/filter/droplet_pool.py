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
    description: User data by pool name; its hash becomes the specification tag.
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

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

_CONTROL_PLANE = "control-plane"
_SPEC_HASH_LENGTH = 16


def droplet_pool(
    pool: Mapping[str, Any], *, cluster_name: str, token: str, user_data: Mapping[str, str]
) -> dict[str, Any]:
    """Return one element of the droplets module's ``pools``."""
    name, text = pool["name"], user_data[pool["name"]]
    cluster_tag = f"flotilla:{cluster_name}"
    role_tag = f"{cluster_tag}:control-plane" if name == _CONTROL_PLANE else f"{cluster_tag}:pool:{name}"
    spec = hashlib.sha256(text.encode()).hexdigest()[:_SPEC_HASH_LENGTH]
    return {
        "names": [f"{cluster_name}-{name}-{number}" for number in range(1, int(pool["count"]) + 1)],
        "size": pool["size"],
        "tags": [cluster_tag, role_tag, f"{cluster_tag}:discovery:{token}", f"{cluster_tag}:spec:{spec}"],
        "user_data": text,
    }


class FilterModule:
    """The filter, as Ansible looks it up."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by name."""
        return {"droplet_pool": droplet_pool}
