# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that the account's droplets are, as pure functions over plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import Droplet
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import CONTROL_PLANE, TagView

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HostEntry", "HostVars", "host_entries"]


class HostVars(TypedDict, total=False):
    """The variables of a host; all of them survive JSON. `ansible_host` is absent while there is no address."""

    ansible_host: str
    flotilla_droplet_id: int
    flotilla_private_ipv4: str | None
    flotilla_public_ipv4: str | None
    flotilla_pool: str
    flotilla_role: str
    flotilla_cluster: str
    flotilla_spec: str | None
    flotilla_ready: bool
    flotilla_status: str
    flotilla_region: str | None
    flotilla_size: str | None
    flotilla_tags: list[str]


class HostEntry(TypedDict):
    """A host with its groups; plain data, as the cache keeps it."""

    name: str
    groups: list[str]
    variables: HostVars


def host_entries(droplets: Iterable[Droplet], cluster: str | None) -> list[HostEntry]:
    """Return the hosts of one cluster, or of all, sorted by name. Droplets of other makers are no hosts."""
    entries = [_entry(droplet, TagView.of(droplet.tags)) for droplet in droplets]
    hosts = [entry for entry in entries if entry and cluster in (None, entry["variables"]["flotilla_cluster"])]
    return sorted(hosts, key=lambda host: (host["name"], host["variables"]["flotilla_droplet_id"]))


def _entry(droplet: Droplet, view: TagView) -> HostEntry | None:
    pool = CONTROL_PLANE if view.is_control_plane else view.pool
    if view.cluster is None or pool is None:
        return None
    variables: HostVars = {
        "flotilla_droplet_id": droplet.id,
        "flotilla_private_ipv4": droplet.private_ipv4,
        "flotilla_public_ipv4": droplet.public_ipv4,
        "flotilla_pool": pool,
        "flotilla_role": CONTROL_PLANE if view.is_control_plane else "worker",
        "flotilla_cluster": view.cluster,
        "flotilla_spec": view.spec,
        "flotilla_ready": view.is_ready,
        "flotilla_status": droplet.status,
        "flotilla_region": droplet.region,
        "flotilla_size": droplet.size,
        "flotilla_tags": list(droplet.tags),
    }
    if droplet.public_ipv4:
        variables["ansible_host"] = droplet.public_ipv4
    roles = ["kube_control_plane", "etcd"] if view.is_control_plane else ["kube_node"]
    groups = [*roles, f"pool_{_group(pool)}", f"cluster_{_group(view.cluster)}"]
    return {"name": droplet.name, "groups": groups, "variables": variables}


def _group(name: str) -> str:
    return name.replace("-", "_")
