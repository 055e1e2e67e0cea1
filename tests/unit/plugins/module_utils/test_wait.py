# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import islice

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConflictError, WaitTimeoutError
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import SystemClock, backoff_s, wait_until
from tests.unit.account_fakes import FakeClock


def test_pauses_double_up_to_the_cap() -> None:
    assert list(islice(backoff_s(), 6)) == [1, 2, 4, 8, 8, 8]
    assert list(islice(backoff_s(0.3, 1.5, 3.0), 3)) == pytest.approx([0.3, 0.45, 0.675])


def test_value_that_is_ready_is_returned_without_sleeping(clock: FakeClock) -> None:
    assert wait_until(lambda: "active", bool, what="x", timeout_s=0, clock=clock) == "active"
    assert clock.slept == []


def test_wait_returns_the_first_value_that_is_ready(clock: FakeClock) -> None:
    states = iter(["new", "new", "active"])
    value = wait_until(lambda: next(states), lambda s: s == "active", what="x", timeout_s=60, clock=clock)
    assert value == "active"
    assert clock.slept == [1, 2]


def test_wait_names_last_state_when_deadline_passes(clock: FakeClock) -> None:
    with pytest.raises(WaitTimeoutError, match="Waited 20 s for droplet worker-2; last seen: new. Look closer."):
        wait_until(
            lambda: "new", lambda _: False, what="droplet worker-2", timeout_s=20, clock=clock, hint="Look closer."
        )
    assert sum(clock.slept) == 20


def test_last_look_is_at_the_deadline_and_not_before(clock: FakeClock) -> None:
    value = wait_until(lambda: clock.t, lambda t: t >= 1005, what="x", timeout_s=5, clock=clock)
    assert value == 1005


def test_state_with_no_way_back_ends_the_wait_at_once(clock: FakeClock) -> None:
    def is_ready(_: str) -> bool:
        raise ConflictError("doubled")

    with pytest.raises(ConflictError, match="doubled"):
        wait_until(lambda: "x", is_ready, what="x", timeout_s=60, clock=clock)
    assert clock.slept == []


def test_long_value_is_described_in_short(clock: FakeClock) -> None:
    with pytest.raises(WaitTimeoutError, match="last seen: 2 droplets"):
        wait_until(
            lambda: [1, 2], lambda _: False, what="x", timeout_s=1, clock=clock, describe=lambda v: f"{len(v)} droplets"
        )


def test_real_clock_does_not_go_back() -> None:
    clock = SystemClock()
    before = clock.now_s()
    clock.sleep(0)
    assert clock.now_s() >= before
