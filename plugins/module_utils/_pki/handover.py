# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for a whole cluster: one thread a node, authorities stored before the first signature."""

from __future__ import annotations

import datetime
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    CollectionError,
    ConfigError,
    WaitTimeoutError,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._node.archive import ArchiveError, pack, unpack
from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import Stop, StoppedError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeCommandError, NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.parallel import MAX_THREADS, fail_together
from ansible_collections.flotilla.coreos.plugins.module_utils._node.tools import NOT_READY, tool_command
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import mint
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.issue import issue, plan_node, read_requests
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.store import (
    REFRESH_S,
    ClusterLock,
    read_authorities,
    store_authorities,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection
    from ansible_collections.flotilla.coreos.plugins.module_utils._node.process import Holder
    from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import Authorities
    from ansible_collections.flotilla.coreos.plugins.module_utils._pki.issue import NodeRequests
    from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import ClusterNames, Droplet
    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

__all__ = ["Handover", "HandoverOutcome", "Node", "NodeOutcome", "OrphanedCertificatesError", "Settings"]

T = TypeVar("T")
# A worker that has never been ready may be broken for good: past this wait it no longer holds up the others.
NEWCOMER_PATIENCE_S = 30.0


class OrphanedCertificatesError(CollectionError):
    """There are certificates, but the authorities that signed them are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of the cluster. `was_ready`: it has finished its bootstrap at some time, so it has certificates."""

    droplet: Droplet
    connection: NodeConnection
    droplet_id: str = ""
    was_ready: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the handover behaves. `is_dry`: look and tell, but sign, store and lock nothing."""

    cluster_name: str
    names: ClusterNames
    timeout_s: float
    renew_days: int
    is_dry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOutcome:
    """What a node got and kept, and when the first of its certificates expires."""

    signed: tuple[str, ...]
    kept: tuple[str, ...]
    expires: datetime.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverOutcome:
    """The result for the cluster. `is_minted`: the authorities are new (in a dry run: would be)."""

    nodes: dict[str, NodeOutcome]
    authorities: Authorities
    is_minted: bool


class Handover:
    """One run of the exchange. `say` takes a line for the operator, from any thread."""

    def __init__(
        self,
        nodes: Sequence[Node],
        settings: Settings,
        *,
        holder: Holder,
        clock: Clock,
        now: Callable[[], datetime.datetime],
        say: Callable[[str], None],
    ) -> None:
        if not any(node.droplet.is_control_plane for node in nodes):
            raise ConfigError("certificates: there is no control plane among the nodes, so nobody can keep authorities")
        self._nodes = {node.droplet.name: node for node in nodes}
        self._keepers = [node for node in nodes if node.droplet.is_control_plane]
        self._settings = settings
        self._lock = ClusterLock(self._keepers[0].connection, holder)
        self._clock = clock
        self._now = now
        self._say = say
        self._deadline_s = 0.0
        self._stop = Stop()
        self._locked = threading.Event()
        self._kept: dict[str, Authorities | None] = {}

    def run(self) -> HandoverOutcome:
        """Give every node the certificates it lacks. Raises CollectionError, with the lock released."""
        self._deadline_s = self._clock.now_s() + self._settings.timeout_s
        # Control planes first: with more nodes than threads, everybody waits for what they keep.
        order = [*self._keepers, *(node for node in self._nodes.values() if not node.droplet.is_control_plane)]
        refresh_ends = threading.Event()
        refresher = threading.Thread(target=self._keep_lock, args=(refresh_ends,), daemon=True)
        refresher.start()
        try:
            with ThreadPoolExecutor(max_workers=min(len(order), MAX_THREADS)) as pool:
                try:
                    return self._run(pool, order)
                finally:
                    # Waiting threads would otherwise hold up the end of the pool until their deadline.
                    self._stop.set()
        finally:
            refresh_ends.set()
            refresher.join()
            if self._locked.is_set() and not self._settings.is_dry:
                self._release()

    def _run(self, pool: ThreadPoolExecutor, order: Sequence[Node]) -> HandoverOutcome:
        gathering = {pool.submit(self._gather, node): node for node in order}
        sent = self._await_control_planes(gathering)
        authorities, is_minted = self._settle_authorities(gathering, sent)
        handing: dict[Future[NodeOutcome], Node] = {}
        for node in self._keepers:
            handing[pool.submit(self._hand_back, node, sent[node.droplet.name], authorities)] = node
        workers = {future: node for future, node in gathering.items() if not node.droplet.is_control_plane}
        errors: list[CollectionError] = []
        for requests, node in _as_they_end(workers, errors):
            handing[pool.submit(self._hand_back, node, requests, authorities)] = node
        outcomes = {node.droplet.name: outcome for outcome, node in _as_they_end(handing, errors)}
        fail_together(errors)
        nodes = {name: outcomes[name] for name in self._nodes}
        return HandoverOutcome(nodes=nodes, authorities=authorities, is_minted=is_minted)

    def _gather(self, node: Node) -> NodeRequests:
        """Wait for a node, read what a control plane keeps, and take the node's requests."""
        name = node.droplet.name
        took_s = node.connection.wait_until_reachable(self._left_s(), stop=self._stop)
        if took_s > 1:
            self._say(f"{name}: answers over SSH after {took_s:.1f} s")
        if node is self._keepers[0]:
            self._take_lock()
        if node.droplet.is_control_plane:
            # Not before the lock is ours: until then another controller may still be storing them.
            while not self._locked.wait(0.1):
                self._stop.check()
                self._check_deadline(f"the lock on {self._keepers[0].droplet.name}", last="not taken")
            self._kept[name] = read_authorities(node.connection)
        return self._take_requests(node)

    def _take_lock(self) -> None:
        if not self._settings.is_dry and (note := self._lock.acquire()):
            self._say(f"{self._keepers[0].droplet.name}: {note}")
        self._locked.set()

    def _take_requests(self, node: Node) -> NodeRequests:
        name, last = node.droplet.name, ""
        while True:
            self._stop.check()
            result = node.connection.run(tool_command("node-requests"))
            if result.status == 0:
                break
            if result.status != NOT_READY:
                raise NodeCommandError(name, "take its requests", status=result.status, said=result.said)
            if result.said != last:
                last = result.said
                self._say(f"{name}: no requests yet: {last}")
            self._check_deadline(f"the certificate requests of {name}", last=last)
        try:
            return read_requests(name, unpack(result.stdout), droplet_id=node.droplet_id)
        except ArchiveError as error:
            raise NodeError(name, f"its requests cannot be read: {error}") from error

    def _await_control_planes(self, gathering: dict[Future[NodeRequests], Node]) -> dict[str, NodeRequests]:
        errors: list[CollectionError] = []
        keepers = {future: node for future, node in gathering.items() if node.droplet.is_control_plane}
        sent = {node.droplet.name: requests for requests, node in _as_they_end(keepers, errors, stop=self._stop)}
        fail_together(errors)
        return sent

    def _settle_authorities(
        self, gathering: dict[Future[NodeRequests], Node], sent: dict[str, NodeRequests]
    ) -> tuple[Authorities, bool]:
        """Return the cluster's authorities, on every control plane from here on; new ones only for a new cluster."""
        names = [node.droplet.name for node in self._keepers]
        found = [(name, kept) for name in names if (kept := self._kept[name]) is not None]
        for name, kept in found[1:]:
            if not kept.is_same_as(found[0][1]):
                raise ConfigError(
                    f"{found[0][0]} and {name} keep different authorities in /var/lib/flotilla/authorities: one "
                    "of them belongs to another cluster, or comes from an old backup. Remove the wrong folder by hand."
                )
        if found:
            authorities, is_minted = found[0][1], False
        else:
            self._refuse_orphans(gathering, sent)
            authorities, is_minted = mint(self._settings.cluster_name, now=self._now()), True
        if not self._settings.is_dry:
            for node in self._keepers:
                if self._kept[node.droplet.name] is None:
                    store_authorities(node.connection, authorities)
            if is_minted:
                self._say(f"{', '.join(node.droplet.name for node in self._keepers)}: new authorities stored")
        return authorities, is_minted

    def _refuse_orphans(self, gathering: dict[Future[NodeRequests], Node], sent: dict[str, NodeRequests]) -> None:
        """Raise where any node has certificates. Waits for every node that may have some."""
        answered = dict(sent)
        patience_ends_s = self._clock.now_s() + NEWCOMER_PATIENCE_S
        for future, node in gathering.items():
            while not future.done() and (node.was_ready or self._clock.now_s() < patience_ends_s):
                self._clock.sleep(0.05)
            if future.done() and not (future.exception() and not node.was_ready):
                answered[node.droplet.name] = future.result()
        holders = sorted(name for name, requests in answered.items() if requests.certificates)
        if holders:
            raise OrphanedCertificatesError(
                f"{', '.join(holders)} have certificates, but no control plane has the authorities that signed them. "
                "New authorities would cut these nodes off, so none are made. Restore /var/lib/flotilla/authorities on "
                f"{self._keepers[0].droplet.name} from a backup, or destroy the nodes named here and run again."
            )

    def _hand_back(self, node: Node, sent: NodeRequests, authorities: Authorities) -> NodeOutcome:
        name, now = node.droplet.name, self._now()
        plan = plan_node(
            node.droplet, self._settings.names, sent, authorities, now=now, renew_days=self._settings.renew_days
        )
        expires = plan.earliest_kept_expiry
        if plan.to_sign and not self._settings.is_dry:
            files, expires = issue(node.droplet, plan, authorities, now=now)
            node.connection.run_checked(
                tool_command("node-certificates"), stdin=pack(files), what="hand back its certificates"
            )
            self._say(f"{name}: {_count(len(plan.to_sign))} signed" + (f" ({_why(plan.reasons)})" if plan.kept else ""))
        elif plan.to_sign:
            self._say(f"{name}: {_count(len(plan.to_sign))} would be signed")
        return NodeOutcome(signed=tuple(plan.to_sign), kept=plan.kept, expires=expires)

    def _keep_lock(self, ends: threading.Event) -> None:
        while not ends.wait(REFRESH_S):
            if self._locked.is_set() and not self._settings.is_dry:
                try:
                    self._lock.refresh()
                except NodeError as error:
                    # The exchange at hand meets the same fault and reports it; here it must only not end the process.
                    self._say(f"warning: {error}")

    def _release(self) -> None:
        try:
            self._lock.release()
        except NodeError as error:
            # What ended the run is the better story; a lock without a sign of life is taken over later.
            self._say(f"warning: {error}")

    def _left_s(self) -> float:
        return max(0.0, self._deadline_s - self._clock.now_s())

    def _check_deadline(self, what: str, *, last: str) -> None:
        if self._left_s() <= 0:
            raise WaitTimeoutError(what, last=last, waited_s=self._settings.timeout_s)


def _as_they_end(
    futures: dict[Future[T], Node], errors: list[CollectionError], *, stop: Stop | None = None
) -> Iterator[tuple[T, Node]]:
    """Yield results with their nodes as they come; put failures into `errors`, and call off the waits by `stop`."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                yield future.result(), futures[future]
            except StoppedError:
                continue
            except CollectionError as error:
                errors.append(error)
                if stop:
                    stop.set()


def _count(number: int) -> str:
    return f"{number} certificate{'' if number == 1 else 's'}"


def _why(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items()))
