# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RateLimits", "Verdict"]

HOURLY_LIMIT = 5000
_KEY_LISTINGS_PER_MINUTE = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and the headers that say how things stand."""

    is_allowed: bool
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Window:
    """At most `limit` requests in any `span_s` seconds."""

    limit: int
    span_s: float
    times: deque[float] = field(default_factory=deque)

    def drop_old(self, now_s: float) -> None:
        while self.times and self.times[0] <= now_s - self.span_s:
            self.times.popleft()

    def is_full(self) -> bool:
        return self.limit > 0 and len(self.times) >= self.limit

    def free_in_s(self, now_s: float) -> int:
        return max(1, math.ceil(self.times[0] + self.span_s - now_s))


class RateLimits:
    """The live API's limits for one token: an hourly one, one on bursts, one on listing keys."""

    def __init__(self, burst_per_minute: int, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._hour = _Window(HOURLY_LIMIT, 3600)
        self._minute = _Window(burst_per_minute, 60)
        self._key_listings = _Window(_KEY_LISTINGS_PER_MINUTE if burst_per_minute else 0, 60)

    def admit(self, method: str, path: str) -> Verdict:
        """Count a request, or turn it away. A refused one does not count."""
        now_s = self._clock()
        windows = [self._hour, self._minute]
        if method == "GET" and path == "/v2/account/keys":
            windows.append(self._key_listings)
        for window in windows:
            window.drop_old(now_s)
        bursts = [window for window in windows[1:] if window.is_full()]
        if bursts:
            wait_s = max(window.free_in_s(now_s) for window in bursts)
            return Verdict(False, (*self._headers(now_s, remaining=0), ("retry-after", str(wait_s))))
        if self._hour.is_full():
            return Verdict(False, self._headers(now_s, remaining=0))
        for window in windows:
            window.times.append(now_s)
        return Verdict(True, self._headers(now_s, remaining=HOURLY_LIMIT - len(self._hour.times)))

    def _headers(self, now_s: float, *, remaining: int) -> tuple[tuple[str, str], ...]:
        oldest_s = self._hour.times[0] if self._hour.times else now_s
        return (
            ("ratelimit-limit", str(HOURLY_LIMIT)),
            ("ratelimit-remaining", str(remaining)),
            # When the oldest request of the sliding hour expires.
            ("ratelimit-reset", str(int(oldest_s + 3600))),
        )
