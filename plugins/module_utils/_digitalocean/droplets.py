# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The droplets of one cluster, as a set: what is there, what is missing, and the way from one to the other.

Names are not unique at DigitalOcean and a create has no key that would make it safe to repeat, so a droplet is always
looked up by the cluster's tag and its name, and two of one name are reported, never picked from.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean import lookups
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.creation import (
    BATCH_SIZE,
    CreateSettings,
    create_all,
    wait_until_ready,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import Droplet
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import TagView, cluster_tag
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.tags import checked_tags, tag_droplets
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ConfigError,
    ConflictError,
    LimitReachedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.creation import Created
    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import Image

__all__ = ["DropletsBackend", "DropletsPlan", "DropletsSpec", "Outcome", "PoolSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """Droplets that differ in nothing but their names."""

    names: tuple[str, ...]
    size: str
    tags: tuple[str, ...]
    user_data: str = ""

    @property
    def user_data_digest(self) -> str:
        """What stands for the user data in diffs: the API never returns it, and it is too long to read."""
        return f"sha256:{hashlib.sha256(self.user_data.encode()).hexdigest()}"

    def batches(self) -> list[PoolSpec]:
        """Return the pool in parts that one request can create."""
        starts = range(0, len(self.names), BATCH_SIZE)
        return [replace(self, names=self.names[start : start + BATCH_SIZE]) for start in starts]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropletsSpec:
    """The droplets that a cluster shall have."""

    cluster: str
    region: str
    image: str
    pools: tuple[PoolSpec, ...]
    ssh_keys: tuple[str, ...] = ()
    vpc_uuid: str = ""
    timeout_s: float = 600.0

    @property
    def tag(self) -> str:
        """The tag by which the cluster's droplets are found."""
        return cluster_tag(self.cluster)

    @property
    def names(self) -> list[str]:
        """All wanted names, in the order given."""
        return [name for pool in self.pools for name in pool.names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An attribute of an existing droplet that is not as wanted and cannot be changed in place."""

    name: str
    attribute: str
    before: str | None
    after: str | None

    def to_result(self) -> dict[str, Any]:
        """Return the difference as a module returns it."""
        return {"name": self.name, "attribute": self.attribute, "before": self.before, "after": self.after}

    def told(self) -> str:
        """Return the sentence that the operator reads."""
        return (
            f"Droplet {self.name} differs from the declaration: its {self.attribute} is {self.before or 'unknown'}, "
            f"declared is {self.after}. It is left as it is; only a new droplet would have what is declared."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DropletsPlan:
    """What there is and what is to be done; check mode, diff and apply all read from it."""

    spec: DropletsSpec
    existing: tuple[Droplet, ...]
    missing: tuple[PoolSpec, ...]
    new_tags: dict[str, tuple[Droplet, ...]]
    switch_on: tuple[Droplet, ...]
    differences: tuple[Difference, ...]
    extra: tuple[Droplet, ...]
    image: Image | None = None

    @property
    def changed(self) -> bool:
        """Whether applying the plan would change anything."""
        return bool(self.missing or self.new_tags or self.switch_on)

    def warnings(self) -> list[str]:
        """Return what the operator has to know although nothing is done about it."""
        undeclared = [
            f"Droplet {droplet.name} belongs to cluster {self.spec.cluster} but is not declared. It is left alone."
            for droplet in self.extra
        ]
        return [difference.told() for difference in self.differences] + undeclared

    @property
    def differs(self) -> list[str]:
        """Names of existing droplets that would have to be replaced to be as wanted."""
        return sorted({difference.name for difference in self.differences})

    def actions(self, created: dict[str, int] | None = None) -> list[dict[str, Any]]:
        """Return what is done to each wanted droplet. `created` gives the new ones' ids, unknown in check mode."""
        ids = created or {}
        done: dict[str, tuple[str, int | None]] = {
            droplet.name: (self._action_on(droplet), droplet.id) for droplet in self.existing
        }
        for name in (name for pool in self.missing for name in pool.names):
            done[name] = ("create", ids.get(name))
        return [{"action": done[name][0], "name": name, "id": done[name][1]} for name in self.spec.names]

    def predicted(self) -> list[dict[str, Any]]:
        """Return the droplets as they would be, for check mode."""
        new = [self._predicted(pool, name) for pool in self.missing for name in pool.names]
        return sorted([droplet.to_result() for droplet in self.existing] + new, key=lambda item: str(item["name"]))

    def diff(self) -> dict[str, Any]:
        """Return before and after of the droplets that change, user data as its digest."""
        changing = {droplet.id: droplet for group in self.new_tags.values() for droplet in group}
        changing |= {droplet.id: droplet for droplet in self.switch_on}
        before = [droplet.to_result() for droplet in changing.values()]
        after = [self._changed(droplet).to_result() for droplet in changing.values()]
        for pool in self.missing:
            digest = {"user_data": pool.user_data_digest}
            after += [self._predicted(pool, name) | digest for name in pool.names]
        return {"before": {"droplets": before}, "after": {"droplets": after}}

    def _action_on(self, droplet: Droplet) -> str:
        if droplet in self.switch_on:
            return "power_on"
        if any(droplet in group for group in self.new_tags.values()):
            return "tag"
        # Not known to have ever finished its bootstrap: left behind by a run that was cut short.
        return "unchanged" if TagView.of(droplet.tags).is_ready else "adopt"

    def _changed(self, droplet: Droplet) -> Droplet:
        tags = {tag for tag, group in self.new_tags.items() if droplet in group}
        status = "active" if droplet in self.switch_on else droplet.status
        return replace(droplet, status=status, tags=tuple(sorted({*droplet.tags, *tags})))

    def _predicted(self, pool: PoolSpec, name: str) -> dict[str, Any]:
        image = str(self.image.slug or self.image.id) if self.image else self.spec.image
        droplet = Droplet(
            id=0, name=name, status="new", region=self.spec.region, size=pool.size, image=image, tags=pool.tags
        )
        return droplet.to_result() | {"id": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The wanted droplets, all of them active with addresses, and what was done to each."""

    droplets: tuple[Droplet, ...]
    actions: list[dict[str, Any]]


class DropletsBackend:
    """Plans and applies a DropletsSpec."""

    def __init__(self, access: ApiAccess) -> None:
        self._access = access
        self._client = access.client()

    def plan(self, spec: DropletsSpec) -> DropletsPlan:
        """Compare the wanted droplets with the account's; only reads.

        Raises ConflictError for a doubled name, ConfigError for what cannot be created, LimitReachedError for too many.
        """
        _check_names(spec)
        spec = replace(spec, pools=tuple(replace(p, tags=tuple(checked_tags((*p.tags, spec.tag)))) for p in spec.pools))
        found = lookups.droplets_tagged(self._client, spec.tag)
        by_name = unique_by_name(found, spec.tag)
        missing = _missing(spec, by_name)
        image = self._check_creatable(spec, missing) if missing else None
        existing = tuple(by_name[name] for name in spec.names if name in by_name)
        return DropletsPlan(
            spec=spec,
            existing=existing,
            missing=missing,
            new_tags=_new_tags(spec, by_name),
            switch_on=tuple(droplet for droplet in existing if droplet.status == "off"),
            differences=_differences(spec, by_name),
            extra=tuple(droplet for droplet in found if droplet.name not in set(spec.names)),
            image=image,
        )

    def apply(self, plan: DropletsPlan) -> Outcome:
        """Create what is missing, all at once, and return when every wanted droplet is active with its addresses."""
        for tag, group in plan.new_tags.items():
            tag_droplets(self._client, tag, [droplet.id for droplet in group])
        for droplet in plan.switch_on:
            self._switch_on(droplet)
        created = create_all(self._access, self._settings(plan), plan.missing)
        ready = tuple(plan.existing) if self._is_settled(plan) else self._wait(plan, created)
        return Outcome(droplets=ready, actions=plan.actions({name: made.id for name, made in created.items()}))

    def _is_settled(self, plan: DropletsPlan) -> bool:
        return not plan.changed and all(droplet.is_ready for droplet in plan.existing)

    def _wait(self, plan: DropletsPlan, created: dict[str, Created]) -> tuple[Droplet, ...]:
        def look() -> dict[str, Droplet]:
            return unique_by_name(lookups.droplets_tagged(self._client, plan.spec.tag), plan.spec.tag)

        return wait_until_ready(
            self._client,
            look,
            names=plan.spec.names,
            created=list(created.values()),
            settings=self._settings(plan),
        )

    def _settings(self, plan: DropletsPlan) -> CreateSettings:
        spec = plan.spec
        return CreateSettings(
            tag=spec.tag,
            region=spec.region,
            image=(plan.image.slug or plan.image.id) if plan.image else spec.image,
            ssh_keys=tuple(int(key) if key.isdigit() else key for key in spec.ssh_keys),
            vpc_uuid=spec.vpc_uuid,
            timeout_s=spec.timeout_s,
            clock=self._access.clock,
        )

    def _check_creatable(self, spec: DropletsSpec, missing: Sequence[PoolSpec]) -> Image:
        image = lookups.find_image(self._client, spec.image, spec.region)
        sizes = {pool.size for pool in missing}
        problems = lookups.placement_problems(lookups.all_regions(self._client), (), spec.region, sizes)
        if (problem := lookups.image_problem(image, spec.region)) and not problems:
            problems = [problem]
        if problems:
            raise ConfigError(" ".join(problems), problems=problems)
        limit = lookups.account(self._client).droplet_limit
        in_account = lookups.count_droplets(self._client)
        to_create = sum(len(pool.names) for pool in missing)
        if problem := lookups.droplet_limit_problem(limit, in_account, to_create):
            raise LimitReachedError(f"Droplet limit: {problem}")
        return image

    def _switch_on(self, droplet: Droplet) -> None:
        try:
            self._client.post(f"droplets/{droplet.id}/actions", {"type": "power_on"})
        except ConflictError:
            # Something is already being done to it: the wait for "active" will tell.
            return


def unique_by_name(droplets: Iterable[Droplet], tag: str) -> dict[str, Droplet]:
    """Return the droplets by name. Raises ConflictError naming every doubled name with the ids that share it."""
    by_name: dict[str, list[Droplet]] = {}
    for droplet in droplets:
        by_name.setdefault(droplet.name, []).append(droplet)
    doubled = [f"{name} ({_told_apart(group)})" for name, group in sorted(by_name.items()) if len(group) > 1]
    if doubled:
        raise ConflictError(
            f"Several droplets with the tag {tag} share a name: {'; '.join(doubled)}. It cannot be known which of them "
            "is the node: delete all but one of each, usually the younger, then run again."
        )
    return {name: group[0] for name, group in by_name.items()}


def _told_apart(group: Sequence[Droplet]) -> str:
    return ", ".join(f"id {droplet.id} created {droplet.created_at or 'at an unknown time'}" for droplet in group)


def _check_names(spec: DropletsSpec) -> None:
    names = spec.names
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError(f"pools name a droplet more than once: {', '.join(doubled)}.")


def _missing(spec: DropletsSpec, by_name: dict[str, Droplet]) -> tuple[PoolSpec, ...]:
    rest = (replace(pool, names=tuple(name for name in pool.names if name not in by_name)) for pool in spec.pools)
    return tuple(pool for pool in rest if pool.names)


def _new_tags(spec: DropletsSpec, by_name: dict[str, Droplet]) -> dict[str, tuple[Droplet, ...]]:
    groups: dict[str, list[Droplet]] = {}
    for pool in spec.pools:
        for droplet in (by_name[name] for name in pool.names if name in by_name):
            for tag in set(pool.tags) - set(droplet.tags):
                if not _tells_the_making(tag, spec.tag):
                    groups.setdefault(tag, []).append(droplet)
    return {tag: tuple(groups[tag]) for tag in sorted(groups)}


def _tells_the_making(tag: str, own: str) -> bool:
    # Specification and discovery token went into the user data; a new tag would claim what the droplet never saw.
    return tag.startswith((f"{own}:spec:", f"{own}:discovery:"))


def _differences(spec: DropletsSpec, by_name: dict[str, Droplet]) -> tuple[Difference, ...]:
    found = []
    for pool in spec.pools:
        wanted_spec = TagView.of(pool.tags).spec
        for droplet in (by_name[name] for name in pool.names if name in by_name):
            pairs = [("size", droplet.size, pool.size), ("region", droplet.region, spec.region)]
            if wanted_spec:
                pairs.append(("spec", TagView.of(droplet.tags).spec, wanted_spec))
            found += [
                Difference(name=droplet.name, attribute=attribute, before=before, after=after)
                for attribute, before, after in pairs
                if before != after
            ]
    return tuple(found)
