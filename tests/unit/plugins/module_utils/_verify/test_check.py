# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import (
    Check,
    Deadline,
    Patience,
    Seen,
    VerifyFailedError,
    Waiting,
    render_table,
    watch,
)
from tests.unit.node_fakes import FakeClock


def check(node="demo-worker-1", name="kubelet", *, ok=True, seen="healthz says ok"):
    return Check(node=node, name=name, ok=ok, seen=seen, look="journalctl -u kubelet")


def watched(*looks, clock, deadline):
    queue = list(looks)
    return watch(
        lambda: queue.pop(0) if len(queue) > 1 else queue[0],
        node="n",
        name="c",
        look="l",
        patience=Patience(deadline=deadline, clock=clock, waiting=Waiting()),
    )


def test_check_that_holds_later_is_waited_for():
    clock = FakeClock()
    found = watched(
        Seen(ok=False, text="starts"), Seen(ok=True, text="runs"), clock=clock, deadline=Deadline(60, clock=clock)
    )
    assert (found.ok, found.seen) == (True, "runs")


def test_check_fails_at_the_deadline_with_what_was_seen_last():
    clock = FakeClock()
    found = watched(Seen(ok=False, text="starts"), clock=clock, deadline=Deadline(60, clock=clock))
    assert (found.ok, found.seen, clock.now_s()) == (False, "starts", 1060)


def test_what_waiting_would_not_mend_fails_at_once():
    clock = FakeClock()
    watched(Seen(ok=False, text="gone", is_final=True), clock=clock, deadline=Deadline(60, clock=clock))
    assert clock.now_s() == 1000


def test_a_failure_leaves_ten_seconds_for_the_others():
    clock = FakeClock()
    deadline = Deadline(60, clock=clock)
    deadline.note(check())
    assert deadline.left_s() == 60
    deadline.note(check(ok=False))
    assert deadline.left_s() == 10


def test_a_failure_within_a_shorter_deadline_reaches_the_longer_one():
    clock = FakeClock()
    deadline = Deadline(60, clock=clock)
    shorter = Deadline(20, clock=clock, within=deadline)
    assert shorter.left_s() == 20
    shorter.note(check(ok=False))
    assert (shorter.left_s(), deadline.left_s()) == (10, 10)


def test_quiet_deadline_ends_when_nothing_new_holds_for_so_long():
    clock = FakeClock()
    deadline = Deadline(60, clock=clock, quiet_s=25)
    clock.sleep(20)
    deadline.note(check())
    clock.sleep(20)
    assert deadline.left_s() == 5


def test_table_has_a_line_for_each_check_with_its_figure():
    assert render_table([check(), check("cluster", "CoreDNS", ok=False, seen="0 of 2 replicas available")]) == [
        "node           check            seen",
        "-------------  -------  ------",
        "demo-worker-1  kubelet  ok      healthz says ok",
        "cluster        CoreDNS  FAILED  0 of 2 replicas available",
    ]


def test_failure_names_node_check_what_was_seen_and_where_to_look():
    error = VerifyFailedError([check(ok=False, seen="no answer")], 7)
    assert str(error) == (
        "1 of 7 checks failed.\ndemo-worker-1: kubelet: no answer. Look closer with: journalctl -u kubelet"
    )
    assert error.as_failure()["checks"] == [{"node": "demo-worker-1", "check": "kubelet"}]


def test_operator_is_told_what_is_waited_for_and_how_much_more():
    waiting = Waiting()
    assert waiting.describe() == ""
    waiting.add("cluster", "API", "no answer")
    waiting.add("demo-worker-1", "Node", "not Ready")
    assert waiting.describe() == "cluster: API: no answer (and 1 more)"
    waiting.remove("cluster", "API")
    assert waiting.describe() == "demo-worker-1: Node: not Ready"


def test_operator_is_told_while_it_lasts():
    said, waiting, told = [], Waiting(), threading.Event()
    waiting.add("cluster", "API", "no answer")
    with waiting.told(lambda line: (said.append(line), told.set()), every_s=0.001):
        assert told.wait(5)
    assert said[0] == "waits for cluster: API: no answer"


def test_check_is_no_longer_waited_for_once_it_is_settled():
    clock, waiting = FakeClock(), Waiting()
    patience = Patience(deadline=Deadline(5, clock=clock), clock=clock, waiting=waiting)
    watch(lambda: Seen(ok=False, text="starts"), node="n", name="c", look="l", patience=patience)
    assert waiting.describe() == ""
