# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check's outcome, and how outcomes are shown and kept."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

__all__ = ["CLUSTER", "Check", "Deadline", "Patience", "Seen", "VerifyFailedError", "Waiting", "render_table", "watch"]

CLUSTER = "cluster"
POLL_S = 0.5
TELL_EVERY_S = 5.0
# Once anything has failed, the rest need not wait much longer for what may depend on it.
AFTER_FAILURE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look saw. `is_final`: waiting would not change it."""

    ok: bool
    text: str
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the report. `look` is the command by which to look closer; `figures` are for machines."""

    node: str
    name: str
    ok: bool
    seen: str
    look: str
    figures: object = None

    def to_result(self) -> dict[str, Any]:
        """Return the check as plain data."""
        return {
            "node": self.node,
            "check": self.name,
            "ok": self.ok,
            "seen": self.seen,
            "look": self.look,
            "figures": self.figures,
        }


class VerifyFailedError(CollectionError):
    """Some checks failed; the message has a line for each."""

    def __init__(self, failed: Sequence[Check], total: int) -> None:
        lines = [f"{one.node}: {one.name}: {one.seen}. Look closer with: {one.look}" for one in failed]
        super().__init__(f"{len(failed)} of {total} checks failed.\n" + "\n".join(lines))
        self.failed = tuple(failed)

    def as_failure(self) -> dict[str, Any]:
        """Return the failed checks as plain data. The message says the rest, and the report has it all as data."""
        return {"kind": type(self).__name__, "checks": [{"node": one.node, "check": one.name} for one in self.failed]}


class Deadline:
    """When to stop waiting, shared by many checks: a failure of one brings it nearer for all. Safe for threads.

    One `within` another ends no later than that, and passes outcomes on to it. With `quiet_s`, it also ends after so
    many seconds in which no check has come to hold: what is still on its way makes something hold now and then.
    """

    def __init__(
        self, seconds: float, *, clock: Clock, within: Deadline | None = None, quiet_s: float | None = None
    ) -> None:
        self._clock = clock
        self._quiet_s = seconds if quiet_s is None else quiet_s
        self._ends_s = clock.now_s() + seconds
        self._quiet_since_s = clock.now_s()
        self._within = within
        self._turn = threading.Lock()

    def left_s(self) -> float:
        """Return the seconds left, never below zero."""
        ends_s = min(self._ends_s, self._quiet_since_s + self._quiet_s)
        left_s = max(0.0, ends_s - self._clock.now_s())
        return min(left_s, self._within.left_s()) if self._within else left_s

    def note(self, check: Check) -> Check:
        """Take notice of an outcome and return it."""
        with self._turn:
            if check.ok:
                self._quiet_since_s = self._clock.now_s()
            else:
                self._ends_s = min(self._ends_s, self._clock.now_s() + AFTER_FAILURE_S)
        if self._within:
            self._within.note(check)
        return check


class Waiting:
    """What does not hold yet, for a word to the operator now and then. Safe for threads."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], str] = {}
        self._turn = threading.Lock()

    def add(self, node: str, name: str, seen: str) -> None:
        """Note that a check does not hold yet."""
        with self._turn:
            self._seen[node, name] = seen

    def remove(self, node: str, name: str) -> None:
        """Note that nobody waits for a check any more."""
        with self._turn:
            self._seen.pop((node, name), None)

    def describe(self) -> str:
        """Return one line with the first of them and how many more there are, or nothing."""
        with self._turn:
            waiting = [f"{node}: {name}: {seen}" for (node, name), seen in self._seen.items()]
        if not waiting:
            return ""
        return f"{waiting[0]} (and {len(waiting) - 1} more)" if len(waiting) > 1 else waiting[0]

    @contextlib.contextmanager
    def told(self, say: Callable[[str], None], every_s: float = TELL_EVERY_S) -> Iterator[None]:
        """Meanwhile, say every few seconds what is waited for."""
        ends = threading.Event()

        def tell() -> None:
            while not ends.wait(every_s):
                if line := self.describe():
                    say(f"waits for {line}")

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            ends.set()
            teller.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How checks wait: until when, by which clock, and who is told meanwhile."""

    deadline: Deadline
    clock: Clock
    waiting: Waiting


def watch(look_at: Callable[[], Seen], *, node: str, name: str, look: str, patience: Patience) -> Check:
    """Look until it holds, until it will not hold by waiting, or until the deadline."""
    deadline = patience.deadline
    while not ((seen := look_at()).ok or seen.is_final or deadline.left_s() <= 0):
        patience.waiting.add(node, name, seen.text)
        patience.clock.sleep(min(POLL_S, deadline.left_s()))
    patience.waiting.remove(node, name)
    return deadline.note(Check(node=node, name=name, ok=seen.ok, seen=seen.text, look=look))


def render_table(checks: Sequence[Check]) -> list[str]:
    """Return the report as lines: node, check, outcome, what was seen."""
    rows = [("node", "check", "", "seen")]
    rows += [(one.node, one.name, "ok" if one.ok else "FAILED", one.seen) for one in checks]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join([*map(str.ljust, row[:3], widths), row[3]]) for row in rows]
    return [lines[0].rstrip(), "  ".join("-" * width for width in widths), *lines[1:]]
