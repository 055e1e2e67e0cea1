# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import Deadline
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.run import NODE_SCRIPT, check_node
from tests.unit.node_fakes import FakeClock, ScriptedTransport, connect, done, silence


def line(name, *, ok=True):
    return json.dumps(
        {"check": name, "ok": ok, "seen": "line one\n line two", "look": "journalctl", "figures": {"a": 1}}
    )


def checks_of(answer):
    clock = FakeClock()
    deadline = Deadline(60, clock=clock)
    connection = connect("demo-worker-1", ScriptedTransport(lambda _command, _stdin: answer), clock)
    return check_node(connection, settle_s=20, deadline=deadline), deadline


def test_each_line_is_a_check_in_order_of_name():
    checks, _deadline = checks_of(done(f"{line('kubelet')}\n{line('etcd gateway')}\n"))
    assert [(one.name, one.seen, one.figures) for one in checks] == [
        ("etcd gateway", "line one line two", {"a": 1}),
        ("kubelet", "line one line two", {"a": 1}),
    ]
    assert checks[0].look == "ssh core@demo-worker-1 sudo journalctl"


def test_failed_line_shortens_the_wait_of_the_others():
    _checks, deadline = checks_of(done(line("kubelet", ok=False)))
    assert deadline.left_s() == 10


def test_unreachable_node_is_one_failed_check():
    checks, _deadline = checks_of(silence(message="Connection timed out"))
    assert [(one.name, one.ok, one.seen) for one in checks] == [("SSH", False, "Connection timed out")]


def test_node_that_says_nothing_has_failed():
    checks, _deadline = checks_of(done(""))
    assert [(one.ok, one.seen) for one in checks] == [(False, "its checks said nothing")]


def test_broken_line_is_one_failed_check():
    checks, _deadline = checks_of(done("{half"))
    assert [one.ok for one in checks] == [False]


def test_script_takes_the_seconds_to_settle():
    seen = []
    clock = FakeClock()
    connection = connect("n", ScriptedTransport(lambda *call: seen.append(call) or done(line("kubelet"))), clock)
    check_node(connection, settle_s=20, deadline=Deadline(60, clock=clock))
    assert seen == [("sudo -n bash -s -- 20", NODE_SCRIPT.read_bytes())]
