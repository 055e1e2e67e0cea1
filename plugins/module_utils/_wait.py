# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a condition with a deadline. Time comes in as an argument, so that tests need none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Clock", "SystemClock", "backoff_s", "wait_until"]

T = TypeVar("T")


class Clock(Protocol):
    """What a wait needs to know of time."""

    def now_s(self) -> float:
        """Return seconds since some fixed moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""


class SystemClock:
    """The real time."""

    def now_s(self) -> float:
        """Return the monotonic clock, in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


def backoff_s(first_s: float = 1.0, factor: float = 2.0, cap_s: float = 8.0) -> Iterator[float]:
    """Yield pauses for ever: `first_s`, each then longer by `factor`, up to `cap_s`."""
    pause_s = first_s
    while True:
        yield min(pause_s, cap_s)
        pause_s = min(pause_s * factor, cap_s)


def wait_until(
    probe: Callable[[], T],
    is_ready: Callable[[T], bool],
    *,
    what: str,
    timeout_s: float,
    clock: Clock,
    pauses_s: Iterator[float] | None = None,
    describe: Callable[[T], object] = lambda value: value,
    hint: str = "",
) -> T:
    """Poll until ready and return the last value.

    `what` reads like "droplet worker-2 to become active". `is_ready` raises at once on a state with no way back.
    `describe` makes the last value short enough for a message. Raises WaitTimeoutError.
    """
    started_s = clock.now_s()
    pauses_s = backoff_s() if pauses_s is None else pauses_s
    while not is_ready(value := probe()):
        left_s = started_s + timeout_s - clock.now_s()
        if left_s <= 0:
            raise WaitTimeoutError(what, last=describe(value), waited_s=clock.now_s() - started_s, hint=hint)
        clock.sleep(min(next(pauses_s), left_s))
    return value
