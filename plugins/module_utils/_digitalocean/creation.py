# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create droplets in parallel batches, survive lost answers, and wait until all can be reached."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.lookups import droplets_tagged
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.tags import THREADS
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ApiError,
    CollectionError,
    InvalidError,
    NotFoundError,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import backoff_s, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess, ApiClient
    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import Droplet
    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

__all__ = ["BATCH_SIZE", "CreateSettings", "Created", "create_all", "wait_until_ready"]

# What the API takes in one request.
BATCH_SIZE = 10
# Lists were seen to lack a new droplet for seconds: only after this long is a create without answer taken for lost.
_LOOK_S = 30.0
_POSTS = 3
# A fresh SSH key was seen to be unknown to droplet creation for seconds.
_KEY_LAG_S = 30.0
_KEY_WORDS = "invalid key identifiers"
# How often, and for how many at once, the laggards' create actions are read: each costs a request.
_SUSPECT_AFTER_S = 10.0
_SUSPECTS = 5
_MOST_TOLD = 5


class Batch(Protocol):
    """What the creation reads of a PoolSpec."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def size(self) -> str: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def user_data(self) -> str: ...
    def batches(self) -> Sequence[Batch]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSettings:
    """What all droplets of a request share, and how long to wait for them."""

    tag: str
    region: str
    image: int | str
    ssh_keys: tuple[int | str, ...]
    vpc_uuid: str
    timeout_s: float
    clock: Clock

    def body(self, batch: Batch, names: Sequence[str]) -> dict[str, Any]:
        """Return the request that creates these names of the batch."""
        body: dict[str, Any] = {
            "names": list(names),
            "region": self.region,
            "size": batch.size,
            "image": self.image,
            "ssh_keys": list(self.ssh_keys),
            "tags": list(batch.tags),
        }
        if batch.user_data:
            body["user_data"] = batch.user_data
        if self.vpc_uuid:
            body["vpc_uuid"] = self.vpc_uuid
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A droplet that a request made; the action is unknown if the request's answer was lost."""

    id: int
    name: str
    action_id: int | None


def create_all(access: ApiAccess, settings: CreateSettings, pools: Sequence[Batch]) -> dict[str, Created]:
    """Create the droplets of all pools, batches in parallel, and return them by name.

    If a batch fails the others still end; the error then says what was created and stays.
    """
    batches = [batch for pool in pools for batch in pool.batches()]
    if not batches:
        return {}
    with ThreadPoolExecutor(max_workers=THREADS) as executor:
        futures = [executor.submit(_create_batch, access.client(), settings, batch) for batch in batches]
    return _gathered(futures, sum(len(batch.names) for batch in batches))


def _gathered(futures: Sequence[Future[list[Created]]], wanted: int) -> dict[str, Created]:
    created: dict[str, Created] = {}
    faults: list[CollectionError] = []
    for future in futures:
        try:
            created |= {made.name: made for made in future.result()}
        except CollectionError as error:
            faults.append(error)
    if faults:
        names = ", ".join(sorted(created)) or "none"
        raise faults[0].with_hint(
            f"Of {wanted} droplets {len(created)} were created by this run and are kept ({names}): "
            "the next run goes on from there."
        )
    return created


def _create_batch(client: ApiClient, settings: CreateSettings, batch: Batch) -> list[Created]:
    created: dict[str, Created] = {}
    missing = list(batch.names)
    for attempt in range(1, _POSTS + 1):
        try:
            made = _post(client, settings, batch, missing)
            return [*created.values(), *made]
        except (ServerError, TransportError) as error:
            if isinstance(error, TransportError) and error.sent == "no":
                raise
            created |= _look_for(client, settings, missing)
            missing = [name for name in batch.names if name not in created]
            if missing and attempt == _POSTS:
                error.with_hint(
                    f"Asked {_POSTS} times for {', '.join(missing)}; none appeared within {_LOOK_S:.0f} s of asking."
                )
                raise
        if not missing:
            break
    return list(created.values())


def _post(client: ApiClient, settings: CreateSettings, batch: Batch, names: Sequence[str]) -> list[Created]:
    started_s = settings.clock.now_s()
    pauses_s = backoff_s()
    while True:
        try:
            return _read_created(client.post("droplets", settings.body(batch, names)), names)
        except (InvalidError, NotFoundError) as error:
            is_lag = _KEY_WORDS in str(error) and settings.clock.now_s() - started_s < _KEY_LAG_S
            if not is_lag:
                vpc = f", vpc_uuid {settings.vpc_uuid}" if settings.vpc_uuid else ""
                error.with_hint(
                    f"Asked for: {', '.join(names)}; region {settings.region}, size {batch.size}, "
                    f"image {settings.image}{vpc}."
                )
                raise
            settings.clock.sleep(next(pauses_s))


def _read_created(answer: Mapping[str, Any], names: Sequence[str]) -> list[Created]:
    droplets = answer.get("droplets") or ([answer["droplet"]] if answer.get("droplet") else [])
    if sorted(str(item.get("name")) for item in droplets) != sorted(names):
        # As after a lost answer: what was really created has to be looked up.
        raise ServerError(f"POST droplets: asked for {', '.join(names)}, the answer tells of {len(droplets)} droplets.")
    actions = [link for link in (answer.get("links") or {}).get("actions") or () if link.get("rel") == "create"]
    action_ids: list[int | None] = [int(link["id"]) for link in actions if link.get("id")]
    if len(action_ids) != len(droplets):
        action_ids = [None] * len(droplets)
    return [
        Created(id=int(item["id"]), name=str(item["name"]), action_id=action_id)
        for item, action_id in zip(droplets, action_ids, strict=True)
    ]


def _look_for(client: ApiClient, settings: CreateSettings, names: Sequence[str]) -> dict[str, Created]:
    """Return which of the names exist, as soon as all do or when a lagging list has had its time."""
    found: dict[str, Created] = {}

    def have_all() -> bool:
        for droplet in droplets_tagged(client, settings.tag):
            if droplet.name in names:
                found[droplet.name] = Created(id=droplet.id, name=droplet.name, action_id=None)
        return len(found) == len(names)

    with suppress(WaitTimeoutError):
        wait_until(have_all, bool, what="droplets not confirmed", timeout_s=_LOOK_S, clock=settings.clock)
    return found


@dataclass
class _Suspicion:
    """Reads the create actions of droplets that take long, now and then, to fail early on one that ended badly."""

    client: ApiClient
    action_ids: dict[int, int | None]
    clock: Clock
    due_s: float

    def check(self, laggards: Sequence[int]) -> list[int]:
        """Return the ids whose creation has failed."""
        if self.clock.now_s() < self.due_s:
            return []
        self.due_s = self.clock.now_s() + _SUSPECT_AFTER_S
        return [droplet_id for droplet_id in laggards[:_SUSPECTS] if self._has_failed(droplet_id)]

    def _has_failed(self, droplet_id: int) -> bool:
        try:
            action = self._create_action(droplet_id)
        except NotFoundError:
            # Actions lag too, and some are never shown.
            return False
        return action.get("status") == "errored"

    def _create_action(self, droplet_id: int) -> Mapping[str, Any]:
        action_id = self.action_ids.get(droplet_id)
        if action_id is not None:
            return self.client.get(f"actions/{action_id}").get("action") or {}
        actions = self.client.list_all(f"droplets/{droplet_id}/actions", "actions")
        return next((action for action in actions if action.get("type") == "create"), {})


def wait_until_ready(
    client: ApiClient,
    look: Callable[[], dict[str, Droplet]],
    *,
    names: Sequence[str],
    created: Sequence[Created],
    settings: CreateSettings,
) -> tuple[Droplet, ...]:
    """Poll one list until all names are active with both addresses; return them in the order of `names`.

    Raises ApiError for a droplet whose creation failed, WaitTimeoutError naming those that did not get there and
    their state. `look` returns the cluster's droplets by name and raises on a doubled one.
    """
    clock = settings.clock
    suspicion = _Suspicion(
        client, {made.id: made.action_id for made in created}, clock, clock.now_s() + _SUSPECT_AFTER_S
    )

    def is_ready(found: dict[str, Droplet]) -> bool:
        late: list[Droplet | Created] = [d for d in found.values() if d.name in names and not d.is_ready]
        # The list loses a droplet whose creation failed.
        known = {droplet.id for droplet in found.values()}
        late += [made for made in created if made.id not in known]
        if failed := suspicion.check([laggard.id for laggard in late]):
            raise _failed_creation(client, [laggard for laggard in late if laggard.id in failed])
        return not late and all(name in found for name in names)

    found = wait_until(
        look,
        is_ready,
        what=f"{len(names)} droplets with the tag {settings.tag} to be active with a public and a private address",
        timeout_s=settings.timeout_s,
        clock=clock,
        pauses_s=backoff_s(0.3, 1.25, 3.0),
        describe=lambda found: _states(names, found),
        hint="They are kept, and the next run waits for them again; droplets_timeout_s sets how long.",
    )
    return tuple(found[name] for name in names)


def _states(names: Sequence[str], found: Mapping[str, Droplet]) -> str:
    late = [
        f"{name} (id {found[name].id}): {found[name].state}" if name in found else f"{name}: not in the list"
        for name in names
        if name not in found or not found[name].is_ready
    ]
    more = f"; and {len(late) - _MOST_TOLD} more" if len(late) > _MOST_TOLD else ""
    return "; ".join(late[:_MOST_TOLD]) + more


def _failed_creation(client: ApiClient, failed: Sequence[Droplet | Created]) -> ApiError:
    """Remove what is left of droplets that will never run, so that the next run makes them anew."""
    for droplet in failed:
        client.delete(f"droplets/{droplet.id}")
    told = ", ".join(f"{droplet.name} (id {droplet.id})" for droplet in failed)
    return ApiError(
        f"DigitalOcean could not create {told}: the create action ended as errored, for which the API gives no reason. "
        "What was left of it has been deleted; the next run creates it anew. If it fails again, try another region or "
        "size, or look at status.digitalocean.com.",
        code="errored",
    )
