# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import Answer, NoAnswerError
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import Deadline, Patience, Waiting
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.run import (
    NODE_SCRIPT,
    Cluster,
    check_node,
    verify,
)
from tests.unit.node_fakes import FakeClock, ScriptedTransport, connect, done, silence


def line(name, *, ok=True, final=False):
    return json.dumps(
        {
            "check": name,
            "ok": ok,
            "final": final,
            "seen": "line one\n line two",
            "look": "journalctl",
            "figures": {"a": 1},
        }
    )


def checks_of(*answers):
    """Check a node that gives these answers, one after the other; the last one stays."""
    clock = FakeClock()
    deadline = Deadline(60, clock=clock)
    queue = list(answers)
    transport = ScriptedTransport(lambda _command, _stdin: queue.pop(0) if len(queue) > 1 else queue[0])
    patience = Patience(deadline=deadline, clock=clock, waiting=Waiting())
    return check_node(connect("demo-worker-1", transport, clock), patience), deadline, transport


def test_each_line_is_a_check_in_order_of_name():
    checks, *_rest = checks_of(done(f"{line('kubelet')}\n{line('etcd gateway')}\n"))
    assert [(one.name, one.seen, one.figures) for one in checks] == [
        ("etcd gateway", "line one line two", {"a": 1}),
        ("kubelet", "line one line two", {"a": 1}),
    ]
    assert checks[0].look == "ssh core@demo-worker-1 sudo journalctl"


def test_failed_line_shortens_the_wait_of_the_others():
    _checks, deadline, _transport = checks_of(done(line("kubelet", ok=False, final=True)))
    assert deadline.left_s() == 10


def test_unreachable_node_is_one_failed_check():
    checks, *_rest = checks_of(silence(message="Connection timed out"))
    assert [(one.name, one.ok, one.seen) for one in checks] == [("SSH", False, "Connection timed out")]


def test_node_that_says_nothing_has_failed():
    checks, *_rest = checks_of(done(""))
    assert [(one.ok, one.seen) for one in checks] == [(False, "its checks said nothing")]


def test_broken_line_is_one_failed_check():
    checks, *_rest = checks_of(done("{half"))
    assert [one.ok for one in checks] == [False]


def test_all_checks_are_asked_for_first_then_only_those_that_do_not_hold_yet():
    first = f"{line('kubelet')}\n{line('cluster DNS', ok=False)}\n"
    checks, _deadline, transport = checks_of(done(first), done(line("cluster DNS")))
    assert [(one.name, one.ok) for one in checks] == [("cluster DNS", True), ("kubelet", True)]
    assert transport.commands == ["sudo -n bash -s --", "sudo -n bash -s -- 'cluster DNS'"]


def test_check_that_never_holds_fails_at_the_deadline():
    checks, deadline, transport = checks_of(done(line("cluster DNS", ok=False)))
    assert [(one.name, one.ok) for one in checks] == [("cluster DNS", False)]
    assert deadline.left_s() == 0
    assert len(transport.commands) == 31


def test_what_waiting_would_not_mend_takes_one_exchange():
    _checks, _deadline, transport = checks_of(done(line("flannel lease", ok=False, final=True)))
    assert len(transport.commands) == 1


def test_script_travels_on_standard_input():
    seen = []
    clock = FakeClock()
    connection = connect("n", ScriptedTransport(lambda *call: seen.append(call) or done(line("kubelet"))), clock)
    check_node(connection, Patience(deadline=Deadline(60, clock=clock), clock=clock, waiting=Waiting()))
    assert seen[0][1] == NODE_SCRIPT.read_bytes()


class FakeApi:
    """An API server that is silent for some seconds, then says that everything is well."""

    server = "https://198.51.100.2:6443"

    def __init__(self, clock, silent_s=0.0):
        self.clock, self.ready_s = clock, clock.now_s() + silent_s

    def get(self, path, **_query):
        if self.clock.now_s() < self.ready_s:
            raise NoAnswerError("no answer from https://198.51.100.2:6443: refused")
        ready = {"conditions": [{"type": "Ready", "status": "True"}], "availableReplicas": 1, "podIP": "10.244.0.9"}
        spec = {"replicas": 1, "nodeName": "cp", "template": {"spec": {"containers": [{"image": "image"}]}}}
        thing = {"metadata": {"name": "cp", "uid": "u"}, "spec": spec, "status": ready, "usage": {"cpu": "1"}}
        return Answer(status=200, text="ok", body=thing | {"items": [thing], "gitVersion": "v1.37.2"})

    def create(self, _path, body):
        return Answer(status=201, text="", body=body)

    def delete(self, path, **_query):
        return self.get(path)


def verified(silent_s, wait_s=120):
    clock = FakeClock()
    connection = connect("cp", ScriptedTransport(lambda _command, _stdin: done(line("kubelet"))), clock)
    one = Cluster(
        control_plane=["cp"], workers=[], connections={"cp": connection}, traffic={"cp": connection}, kubectl="kubectl"
    )
    return verify(one, FakeApi(clock, silent_s), wait_s=wait_s, clock=clock, say=lambda _line: None), clock


def test_everything_is_checked_and_the_cluster_comes_first():
    checks, _clock = verified(0)
    assert all(one.ok for one in checks)
    assert [one.node for one in checks] == ["cluster"] * 4 + ["cp"] * 4


def test_api_server_that_comes_back_after_a_reboot_is_given_all_the_time():
    checks, _clock = verified(100)
    assert all(one.ok for one in checks)


def test_api_server_that_stays_away_fails_all_that_needs_it_and_the_nodes_are_still_asked():
    checks, clock = verified(1e6)
    assert [(one.node, one.name) for one in checks if one.ok] == [("cp", "kubelet")]
    assert clock.now_s() < 1000 + 120 + 20
