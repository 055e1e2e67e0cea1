# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags and names carry the cluster's identity: this is the one place that spells them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CONTROL_PLANE",
    "MAX_LABEL_LENGTH",
    "TagView",
    "cluster_tag",
    "discovery_prefix",
    "droplet_names",
    "is_cluster_tag",
    "is_dns_label",
    "is_tag",
    "role_tag",
    "spec_tag",
]

CONTROL_PLANE = "control-plane"
MAX_LABEL_LENGTH = 63
_ROOT = "flotilla"
# Of the 64 digits; enough to tell specifications apart, short enough to read.
_SPEC_LENGTH = 16
_LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_TAG = re.compile(r"[a-zA-Z0-9_\-:]{1,255}")


def cluster_tag(cluster: str) -> str:
    """Return the tag that all resources of a cluster carry."""
    return f"{_ROOT}:{cluster}"


def discovery_prefix(cluster: str) -> str:
    """Return what the tag of the cluster's discovery token starts with."""
    return f"{cluster_tag(cluster)}:discovery:"


def role_tag(cluster: str, pool: str) -> str:
    """Return the tag that tells what a droplet is: a control plane, or a worker of a pool."""
    return f"{cluster_tag(cluster)}:{CONTROL_PLANE if pool == CONTROL_PLANE else f'pool:{pool}'}"


def spec_tag(cluster: str, digest: str) -> str:
    """Return the tag of the specification that a droplet was made from."""
    return f"{cluster_tag(cluster)}:spec:{digest[:_SPEC_LENGTH]}"


def is_cluster_tag(tag: str, cluster: str) -> bool:
    """Whether the tag belongs to this cluster, and not to one whose name merely starts alike."""
    own = cluster_tag(cluster)
    return tag == own or tag.startswith(f"{own}:")


def is_tag(text: str) -> bool:
    """Whether DigitalOcean takes this as a tag: letters, digits, underscore, hyphen, colon; no dot."""
    return bool(_TAG.fullmatch(text))


def is_dns_label(text: str) -> bool:
    """Whether the text can be a host name: lower case letters, digits, hyphens, a letter first, 63 at most."""
    return len(text) <= MAX_LABEL_LENGTH and bool(_LABEL.fullmatch(text))


def droplet_names(cluster: str, pool: str, count: int) -> list[str]:
    """Return CLUSTER-POOL-1 to CLUSTER-POOL-COUNT."""
    return [f"{cluster}-{pool}-{number}" for number in range(1, count + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagView:
    """What the tags of one droplet say about it."""

    cluster: str | None = None
    pool: str | None = None
    is_control_plane: bool = False
    spec: str | None = None
    tokens: tuple[str, ...] = ()
    is_ready: bool = False

    @classmethod
    def of(cls, tags: Iterable[str]) -> TagView:
        """Read a droplet's tags; tags of other makers are passed over."""
        own = [tag.split(":")[1:] for tag in sorted(tags) if tag.startswith(f"{_ROOT}:")]
        cluster = next((parts[0] for parts in own if len(parts) == 1), None)
        facets = [parts[1:] for parts in own if len(parts) > 1 and parts[0] == cluster]
        values = {facet[0]: facet[1] for facet in facets if len(facet) == 2}
        return cls(
            cluster=cluster,
            pool=values.get("pool"),
            is_control_plane=[CONTROL_PLANE] in facets,
            spec=values.get("spec"),
            tokens=tuple(facet[1] for facet in facets if len(facet) == 2 and facet[0] == "discovery"),
            is_ready=["ready"] in facets,
        )
