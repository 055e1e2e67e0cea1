# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
import os
import subprocess

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._node.process import Holder, is_alive, start_of
from ansible_collections.flotilla.coreos.plugins.module_utils._node.run_lock import (
    NAME,
    RunLockedError,
    hold,
    refuse_if_held,
    release,
)

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


@pytest.fixture
def us():
    return Holder.of_process(os.getpid(), now=NOW)


@pytest.fixture
def other():
    """Another process that lives as long as the test."""
    process = subprocess.Popen(["sleep", "60"])
    yield Holder.of_process(process.pid, now=NOW)
    process.kill()
    process.wait()


def test_lock_is_taken_and_given_back(tmp_path, us):
    hold(tmp_path, us)
    assert (tmp_path / NAME).read_text() == f"{us}\n"
    release(tmp_path, us)
    assert list(tmp_path.iterdir()) == []


def test_lock_of_a_living_process_is_respected_and_its_holder_named(tmp_path, us, other):
    hold(tmp_path, other)
    with pytest.raises(
        RunLockedError, match=f"at work on this cluster: .*pid {other.pid} .*since 2026-11-23T12:00:00Z"
    ):
        hold(tmp_path, us)
    with pytest.raises(RunLockedError):
        refuse_if_held(tmp_path, us)


def test_lock_of_a_dead_process_is_taken_over(tmp_path, us, other):
    hold(tmp_path, dataclasses.replace(other, start="1"))
    hold(tmp_path, us)
    refuse_if_held(tmp_path, us)
    assert Holder.parse((tmp_path / NAME).read_text()) == us


def test_lock_of_another_machine_is_respected(tmp_path, us):
    (tmp_path / NAME).write_text("ann@elsewhere pid 1 start 1 since 2026-11-23T12:00:00Z\n")
    with pytest.raises(RunLockedError, match="ann@elsewhere"):
        hold(tmp_path, us)


def test_lock_taken_twice_by_one_process_is_no_fault(tmp_path, us):
    hold(tmp_path, us)
    hold(tmp_path, dataclasses.replace(us, since="2026-11-23T13:00:00Z"))


def test_lock_of_another_is_not_released(tmp_path, us, other):
    hold(tmp_path, other)
    release(tmp_path, us)
    assert (tmp_path / NAME).exists()


def test_damaged_lock_is_taken_over(tmp_path, us):
    (tmp_path / NAME).write_text("half a li")
    hold(tmp_path, us)
    assert Holder.parse((tmp_path / NAME).read_text()) == us


def test_check_without_a_lock_leaves_nothing(tmp_path, us):
    refuse_if_held(tmp_path, us)
    assert list(tmp_path.iterdir()) == []


def test_zombie_counts_as_dead():
    process = subprocess.Popen(["true"])
    start = None
    # It ends on its own and stays a zombie until it is waited for.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    start = start_of(process.pid)
    process.wait()
    assert start is None


def test_number_used_again_is_another_process(us):
    assert is_alive(us.pid, us.start)
    assert not is_alive(us.pid, "1")


@pytest.mark.parametrize("line", ["", "ann@host", "ann@host pid x start 1 since y", "a b c d e f g"])
def test_line_that_is_no_holder_is_nobody(line):
    assert Holder.parse(line) is None
