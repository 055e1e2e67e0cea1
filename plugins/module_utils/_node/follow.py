# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow nodes while they bootstrap themselves: one long poll a node, a line when something has changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import Stop
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import (
    NodeCommandError,
    NodeError,
    NodeUnreachableError,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._node.parallel import on_each
from ansible_collections.flotilla.coreos.plugins.module_utils._node.status import NodeStatus, UnitStatus, parse_status
from ansible_collections.flotilla.coreos.plugins.module_utils._node.tools import NOT_READY, tool_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection
    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

__all__ = ["Follower", "NodeBootstrapError", "NodeHistory"]

POLL_S = 5
# Progress texts change many times a second during a download; nobody needs an exchange for each.
PAUSE_S = 0.3
LINE_EVERY_S = 2.0
# A unit that systemd restarts passes through "failed" for a moment; one that stays there has given up.
FAILED_FOR_S = 4.0
JOURNAL_LINES = 20
# The journal of a unit that keeps restarting is shown at these counts of restarts, not at each.
RESTARTS_SHOWN = (3, 10, 30, 100)


class NodeBootstrapError(NodeError):
    """A node did not finish its bootstrap. `unit` is where it stands."""

    def __init__(self, node: str, message: str, *, unit: str, journal: str = "") -> None:
        super().__init__(node, f"{message}\n{journal}" if journal else message)
        self.unit = unit
        self.journal = journal

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, with the unit and the end of its journal."""
        return super().as_failure() | {"unit": self.unit, "journal": self.journal}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeHistory:
    """How a node came up. `booted_s`: its boot on the follower's clock; `was_up`: it was ready at the first look."""

    booted_s: float
    status: NodeStatus
    was_up: bool

    @property
    def ready_s(self) -> float:
        """Seconds from boot until the last unit of the chain was done."""
        return max((unit.done_s for unit in self.status.units if unit.done_s is not None), default=self.status.uptime_s)


class Follower:
    """Follows all nodes of a cluster until each is up. `say` takes a line for the operator, from any thread."""

    def __init__(
        self,
        connections: Mapping[str, NodeConnection],
        *,
        timeout_s: float,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._connections = connections
        self._timeout_s = timeout_s
        self._clock = clock
        self._say = say
        self._width = max((len(name) for name in connections), default=0)
        self._started_s = 0.0
        self._stop = Stop()

    def run(self) -> dict[str, NodeHistory]:
        """Return each node's history once all are up. Raises NodeBootstrapError and other errors of a node."""
        self._started_s = self._clock.now_s()
        return on_each(self._connections, self._follow, stop=self._stop)

    def say(self, node: str, text: str) -> None:
        """Show a line with its time and its node."""
        self._say(f"[{self._clock.now_s() - self._started_s:5.1f}s] {node:<{self._width}}  {text}")

    def _follow(self, name: str) -> NodeHistory:
        watch = _Watch(self, name)
        connection = self._connections[name]
        connection.wait_until_reachable(self._left_s(), stop=self._stop)
        is_first_look = True
        while True:
            self._stop.check()
            status = self._look(connection, watch.last)
            if status is not None:
                watch.see(status, self._clock.now_s())
                if status.is_up:
                    booted_s = self._clock.now_s() - self._started_s - status.uptime_s
                    return NodeHistory(booted_s=booted_s, status=status, was_up=is_first_look)
                self._check_failure(connection, watch)
                is_first_look = False
            if self._left_s() <= 0:
                raise self._too_late(connection, watch.last)
            self._clock.sleep(PAUSE_S)

    def _look(self, connection: NodeConnection, last: NodeStatus | None) -> NodeStatus | None:
        """Wait on the node for a change; None where it cannot tell yet or the connection was lost."""
        timeout_s = max(1, min(POLL_S, math.ceil(self._left_s())))
        arguments = ["--wait", last.digest, "--timeout", str(timeout_s)] if last else []
        try:
            result = connection.run(tool_command("node-status", *arguments))
        except NodeUnreachableError as error:
            self.say(connection.name, f"{error.kind}: waits for it to come back")
            connection.wait_until_reachable(self._left_s(), stop=self._stop)
            return None
        if result.status == NOT_READY:
            return None
        if result.status != 0:
            raise NodeCommandError(connection.name, "ask for its status", status=result.status, said=result.said)
        return parse_status(connection.name, result.text)

    def _check_failure(self, connection: NodeConnection, watch: _Watch) -> None:
        now_s = self._clock.now_s()
        if watch.last is None or watch.failed_since_s is None or now_s - watch.failed_since_s < FAILED_FOR_S:
            self._show_restarts(connection, watch)
            return
        unit = watch.last.failed_unit
        name = unit.name if unit else "kubernetes.target"
        raise NodeBootstrapError(
            connection.name,
            f"{name} has failed{f': {unit.text}' if unit and unit.text else ''}. "
            f"Look closer with: {_journal_command(connection, name)}",
            unit=name,
            journal=self._journal(connection, name, JOURNAL_LINES),
        )

    def _show_restarts(self, connection: NodeConnection, watch: _Watch) -> None:
        for unit in watch.restarts_to_show():
            line = self._journal(connection, unit.name, 1)
            self.say(connection.name, f"{unit.short_name} restarted {unit.restarts} times: {line or unit.text}")

    def _journal(self, connection: NodeConnection, unit: str, lines: int) -> str:
        try:
            result = connection.run(f"sudo -n journalctl -u {unit} -n {lines} --no-pager -o cat")
        except NodeUnreachableError as error:
            return f"(no journal: {error.message})"
        return result.text.strip()

    def _too_late(self, connection: NodeConnection, last: NodeStatus | None) -> NodeError:
        waited = f"not up after {self._timeout_s:.0f} s"
        unit = last.waiting_for if last else None
        if unit is None:
            where = "kubernetes.target" if last else "first-boot.service"
            return NodeBootstrapError(
                connection.name,
                f"{waited}, and its units say nothing of why. Look closer with: {_journal_command(connection, where)}",
                unit=where,
            )
        return NodeBootstrapError(
            connection.name,
            f"{waited}: it is at {unit.name} ({unit.text or unit.state}). "
            f"Look closer with: {_journal_command(connection, unit.name)}",
            unit=unit.name,
            journal=self._journal(connection, unit.name, JOURNAL_LINES),
        )

    def _left_s(self) -> float:
        return max(0.0, self._started_s + self._timeout_s - self._clock.now_s())


class _Watch:
    """What was seen of one node, and what was said about it."""

    def __init__(self, follower: Follower, name: str) -> None:
        self._follower = follower
        self._name = name
        self._said = ""
        self._said_s = -LINE_EVERY_S
        self._restarts_shown: dict[str, int] = {}
        self.last: NodeStatus | None = None
        self.failed_since_s: float | None = None

    def see(self, status: NodeStatus, now_s: float) -> None:
        """Take in a status and say what is worth a line."""
        if self.last and self.last.boot_id != status.boot_id:
            self._follower.say(self._name, "has rebooted")
            self._restarts_shown.clear()
        has_failed = status.target == "failed" or status.failed_unit is not None
        self.failed_since_s = (self.failed_since_s or now_s) if has_failed else None
        self.last = status
        if status.is_up:
            self._follower.say(self._name, "is up: Multi-User System reached")
        elif (line := describe(status)) != self._said and now_s - self._said_s >= LINE_EVERY_S:
            self._follower.say(self._name, line)
            self._said, self._said_s = line, now_s

    def restarts_to_show(self) -> list[UnitStatus]:
        """Return the units that have passed the next count of restarts worth a line."""
        due = []
        for unit in self.last.units if self.last else ():
            passed = max((count for count in RESTARTS_SHOWN if count <= unit.restarts), default=0)
            if passed > self._restarts_shown.get(unit.name, 0):
                self._restarts_shown[unit.name] = passed
                due.append(unit)
        return due


def describe(status: NodeStatus) -> str:
    """Return one line on where a node stands: how many units are done, and what those at work say."""
    running = [f"{unit.short_name} {unit.text}".rstrip() for unit in status.running]
    return f"{status.done_count}/{len(status.units)}  {', '.join(running) or 'waits'}"


def _journal_command(connection: NodeConnection, unit: str) -> str:
    return f"{connection.login} sudo journalctl -u {unit}"
