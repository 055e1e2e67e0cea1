# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of the account: make, put on droplets, take off, delete."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.lookups import droplets_tagged
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import is_tag
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ConfigError,
    ConflictError,
    InvalidError,
    NotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess, ApiClient

__all__ = [
    "THREADS",
    "TagPlan",
    "TagSpec",
    "TagsBackend",
    "checked_tags",
    "delete_tags",
    "make_tag",
    "tag_droplets",
]

# As many as the API's burst limit of 250 requests a minute can bear.
THREADS = 8


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags, sorted, each once. Raises ConfigError naming those that DigitalOcean would refuse."""
    unique = sorted(set(tags))
    bad = [tag for tag in unique if not is_tag(tag)]
    if bad:
        raise ConfigError(
            f"DigitalOcean takes no such tag: {', '.join(map(repr, bad))}. "
            "Letters, digits, hyphens, underscores and colons will do, 255 at most; no dots."
        )
    return unique


def make_tag(client: ApiClient, tag: str) -> None:
    """Create the tag if it is not there."""
    try:
        client.post("tags", {"name": tag})
    except (ConflictError, InvalidError):
        # An existing tag is a 201 or, as older clients met it, a refusal: what counts is that it exists.
        try:
            client.get(f"tags/{tag}")
        except NotFoundError:
            pass
        else:
            return
        raise


def tag_droplets(client: ApiClient, tag: str, droplet_ids: Iterable[int]) -> None:
    """Put the tag on the droplets, making it if need be."""
    resources = _resources(droplet_ids)
    if not resources["resources"]:
        return
    try:
        client.post(f"tags/{tag}/resources", resources)
    except NotFoundError:
        # Unlike at a droplet's creation, a missing tag is not made here.
        make_tag(client, tag)
        client.post(f"tags/{tag}/resources", resources)


def delete_tags(access: ApiAccess, tags: Sequence[str]) -> None:
    """Delete the tags, several at a time; one that is gone already is fine."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        for _ in pool.map(lambda tag: access.client().delete(f"tags/{tag}"), tags):
            pass


def _resources(droplet_ids: Iterable[int]) -> dict[str, Any]:
    # Ids are strings here, unlike everywhere else.
    return {"resources": [{"resource_id": str(i), "resource_type": "droplet"} for i in sorted(set(droplet_ids))]}


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSpec:
    """Tags that the droplets shall carry, or not. Without droplets it is about the tags themselves."""

    names: Sequence[str]
    droplet_ids: Sequence[int]
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPlan:
    """For each tag, the droplets that carry it now and afterwards; None: the tag itself does not exist."""

    before: dict[str, list[int] | None]
    after: dict[str, list[int] | None]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after

    def diff(self) -> dict[str, Any]:
        """Return before and after in the shape of the result."""
        return {"before": {"tags": _listed(self.before)}, "after": {"tags": _listed(self.after)}}

    def to_result(self) -> list[dict[str, Any]]:
        """Return the tags that exist afterwards, each with its droplets' ids."""
        return _listed(self.after)


def _listed(state: dict[str, list[int] | None]) -> list[dict[str, Any]]:
    return [{"name": name, "droplet_ids": ids} for name, ids in state.items() if ids is not None]


class TagsBackend:
    """Plans and applies a TagSpec."""

    def __init__(self, access: ApiAccess) -> None:
        self._client = access.client()

    def plan(self, spec: TagSpec) -> TagPlan:
        """Look at each tag and return what is to be done."""
        before = {name: self._holders(name) for name in checked_tags(spec.names)}
        wanted = set(spec.droplet_ids)
        return TagPlan(before=before, after={name: _after(ids, wanted, spec.present) for name, ids in before.items()})

    def apply(self, plan: TagPlan) -> None:
        """Do what the plan says."""
        for name, after in plan.after.items():
            before = plan.before[name]
            if after is None:
                if before is not None:
                    self._client.delete(f"tags/{name}")
                continue
            if before is None:
                make_tag(self._client, name)
            tag_droplets(self._client, name, set(after) - set(before or ()))
            removed = set(before or ()) - set(after)
            if removed:
                self._client.delete(f"tags/{name}/resources", _resources(removed))

    def _holders(self, tag: str) -> list[int] | None:
        ids = sorted(droplet.id for droplet in droplets_tagged(self._client, tag))
        if ids:
            return ids
        try:
            self._client.get(f"tags/{tag}")
        except NotFoundError:
            return None
        return []


def _after(before: list[int] | None, wanted: set[int], present: bool) -> list[int] | None:
    if present:
        return sorted({*(before or ()), *wanted})
    if not wanted:
        return None
    return None if before is None else sorted(set(before) - wanted)
