# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete droplets of a cluster, or all of them and the cluster's tags with them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.lookups import droplets_tagged
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import Droplet
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import cluster_tag, is_cluster_tag
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.tags import THREADS, delete_tags
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConflictError, NotFoundError
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import backoff_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess, ApiClient

__all__ = ["RemovalBackend", "RemovalPlan", "RemovalSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalSpec:
    """Which droplets shall be gone: those named, or without names all of the cluster and its tags."""

    cluster: str
    names: tuple[str, ...] = ()
    timeout_s: float = 600.0

    @property
    def tag(self) -> str:
        """The tag by which the cluster's droplets are found."""
        return cluster_tag(self.cluster)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Something that stays, and the reason."""

    what: str
    why: str

    def to_result(self) -> dict[str, str]:
        """Return it as a module returns it."""
        return {"what": self.what, "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalPlan:
    """What will be deleted and what stays."""

    spec: RemovalSpec
    doomed: tuple[Droplet, ...]
    tags: tuple[str, ...]
    kept: tuple[Kept, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to delete."""
        return bool(self.doomed or self.tags)

    def actions(self) -> list[dict[str, Any]]:
        """Return what is done, droplet by droplet."""
        return [{"action": "delete", "name": droplet.name, "id": droplet.id} for droplet in self.doomed]

    def diff(self) -> dict[str, Any]:
        """Return before and after."""
        before = {"droplets": [droplet.to_result() for droplet in self.doomed], "tags": list(self.tags)}
        return {"before": before, "after": {"droplets": [], "tags": []}}


class RemovalBackend:
    """Plans and applies a RemovalSpec."""

    def __init__(self, access: ApiAccess) -> None:
        self._access = access
        self._client = access.client()

    def plan(self, spec: RemovalSpec) -> RemovalPlan:
        """Look what there is; only reads."""
        found = droplets_tagged(self._client, spec.tag)
        if spec.names:
            doomed = tuple(droplet for droplet in found if droplet.name in spec.names)
            return RemovalPlan(spec=spec, doomed=doomed, tags=(), kept=())
        tags, kept = self._sort_tags(spec)
        return RemovalPlan(spec=spec, doomed=tuple(found), tags=tags, kept=kept)

    def apply(self, plan: RemovalPlan) -> None:
        """Delete and return when the API knows none of the droplets any more."""
        self._delete_droplets(plan.doomed, plan.spec)
        if plan.spec.names:
            return
        # A list can lack a droplet that another run has only just created.
        self._delete_droplets(droplets_tagged(self._client, plan.spec.tag), plan.spec)
        delete_tags(self._access, plan.tags)

    def _delete_droplets(self, droplets: Sequence[Droplet], spec: RemovalSpec) -> None:
        if not droplets:
            return
        with ThreadPoolExecutor(max_workers=THREADS) as executor:
            for _ in executor.map(lambda droplet: self._delete(self._access.client(), droplet, spec), droplets):
                pass
        for droplet in droplets:
            self._wait_until_gone(droplet, spec)

    def _delete(self, client: ApiClient, droplet: Droplet, spec: RemovalSpec) -> None:
        def is_accepted() -> str:
            try:
                client.delete(f"droplets/{droplet.id}")
            except ConflictError as busy:
                return str(busy)
            return ""

        wait_until(
            is_accepted,
            lambda busy: not busy,
            what=f"droplet {droplet.name} (id {droplet.id}) to accept its deletion",
            timeout_s=spec.timeout_s,
            clock=self._access.clock,
        )

    def _wait_until_gone(self, droplet: Droplet, spec: RemovalSpec) -> None:
        # By id: tag lists lose a droplet seconds before it, its addresses and its place in the VPC are gone.
        def look() -> Droplet | None:
            try:
                return Droplet.from_api(self._client.get(f"droplets/{droplet.id}")["droplet"])
            except NotFoundError:
                return None

        wait_until(
            look,
            lambda found: found is None,
            what=f"droplet {droplet.name} (id {droplet.id}) to be gone",
            timeout_s=spec.timeout_s,
            clock=self._access.clock,
            pauses_s=backoff_s(0.3, 1.25, 3.0),
            describe=lambda found: found.state if found else "gone",
            hint="Its deletion was accepted; run the same again to go on waiting.",
        )

    def _sort_tags(self, spec: RemovalSpec) -> tuple[tuple[str, ...], tuple[Kept, ...]]:
        own = [item for item in self._client.list_all("tags", "tags") if is_cluster_tag(item["name"], spec.cluster)]
        kept = [
            Kept(what=f"tag {item['name']}", why=f"{holders} of the account carry it, which this collection never tags")
            for item in own
            if (holders := _other_holders(item))
        ]
        kept_names = {item.what.removeprefix("tag ") for item in kept}
        return tuple(sorted(item["name"] for item in own if item["name"] not in kept_names)), tuple(kept)


def _other_holders(tag: Mapping[str, Any]) -> str:
    resources = tag.get("resources") or {}
    counts = {
        kind: held.get("count") or 0
        for kind, held in resources.items()
        # Droplets are deleted by then; their count lags.
        if kind != "droplets" and isinstance(held, dict)
    }
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()) if count)
