# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError, NodesFailedError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.follow import Follower, NodeBootstrapError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.status import parse_status
from ansible_collections.flotilla.coreos.plugins.module_utils._node.timeline import render_timeline
from tests.unit.node_fakes import FakeClock, ScriptedTransport, connect, done, silence


def unit(name, state="waiting", *, since_s=None, done_s=None, text="", restarts=0):
    return {
        "name": name,
        "state": state,
        "since_s": since_s,
        "done_s": done_s,
        "text": text,
        "restarts": restarts,
    }


def status(*units, target="activating", multi_user="inactive", boot_id="b1", uptime_s=5.0):
    body = {
        "boot_id": boot_id,
        "uptime_s": uptime_s,
        "target": target,
        "multi_user": multi_user,
        "units": list(units),
        "failed": [],
    }
    return body | {"digest": str(hash(json.dumps(body)))}


UP = status(
    unit("artifacts.service", "done", since_s=1.0, done_s=4.0),
    unit("kubelet.service", "done", since_s=6.0, done_s=9.5),
    target="active",
    multi_user="active",
    uptime_s=12.0,
)


class FakeNode:
    """Tells one status after the other; every look takes a second. The last one stays."""

    def __init__(self, clock, *steps, journal="the journal's end"):
        self.clock, self.steps, self.journal = clock, list(steps), journal
        self.transport = ScriptedTransport(self.answer)

    def answer(self, command, _stdin):
        if command == "true":
            return done()
        if "journalctl" in command:
            return done(f"{self.journal}\n")
        self.clock.sleep(1.0)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return done(json.dumps(step) + "\n") if isinstance(step, dict) else step


@pytest.fixture
def follow():
    def go(*steps, timeout_s=100, name="demo-worker-1", **options):
        clock = FakeClock()
        node = FakeNode(clock, *steps, **options)
        go.transport = node.transport
        connections = {name: connect(name, node.transport, clock)}
        return Follower(connections, timeout_s=timeout_s, clock=clock, say=go.said.append).run()

    go.said = []
    return go


def test_node_is_followed_until_multi_user(follow):
    history = follow(status(unit("artifacts.service", "running", text="kubelet 43% of 78 MiB")), UP)["demo-worker-1"]
    assert history.ready_s == 9.5
    assert not history.was_up
    assert follow.said == [
        "[  1.0s] demo-worker-1  0/1  artifacts kubelet 43% of 78 MiB",
        "[  2.3s] demo-worker-1  is up: Multi-User System reached",
    ]


def test_target_without_multi_user_is_not_up(follow):
    nearly = UP | {"multi_user": "activating"}
    with pytest.raises(NodeBootstrapError, match="not up after 5 s, and its units say nothing"):
        follow(nearly, timeout_s=5)


def test_node_that_is_up_already_takes_one_look(follow):
    assert follow(UP)["demo-worker-1"].was_up
    assert len([command for command in follow.transport.commands if "node-status" in command]) == 1


def test_later_looks_wait_on_the_node_for_a_change(follow):
    first = status(unit("artifacts.service", "running"))
    follow(first, UP)
    looks = [command for command in follow.transport.commands if "node-status" in command]
    assert "--wait" not in looks[0]
    assert f"--wait {first['digest']} --timeout 5" in looks[1]


def test_progress_makes_a_line_every_two_seconds_at_most(follow):
    steps = [status(unit("artifacts.service", "running", text=f"kubelet {n}%")) for n in range(20)]
    follow(*steps, UP)
    lines = [line for line in follow.said if "kubelet" in line]
    assert 8 <= len(lines) <= 13


def test_unchanged_node_says_nothing_twice(follow):
    same = status(unit("certificates.service", "running", text="waits for the controller"))
    follow(same, same, same, same, same, UP)
    assert len([line for line in follow.said if "waits for the controller" in line]) == 1


def test_failed_unit_ends_the_wait_early_with_its_journal(follow):
    failed = status(unit("artifacts.service", "done"), unit("etcd.service", "failed", text="exit-code"))
    with pytest.raises(NodeBootstrapError) as raised:
        follow(failed, timeout_s=600, journal="no space left on device")
    assert str(raised.value) == (
        "demo-worker-1: etcd.service has failed: exit-code. "
        "Look closer with: ssh core@demo-worker-1 sudo journalctl -u etcd.service\nno space left on device"
    )
    assert raised.value.unit == "etcd.service"


def test_unit_that_fails_for_a_moment_is_given_its_restart(follow):
    failed = status(unit("etcd.service", "failed"))
    follow(failed, status(unit("etcd.service", "running")), failed, UP)


def test_restarting_unit_shows_its_last_journal_line_now_and_then(follow):
    steps = [status(unit("flannel.service", "running", restarts=count)) for count in range(12)]
    follow(*steps, UP, journal="connection refused")
    assert [line[23:] for line in follow.said if "restarted" in line] == [
        " flannel restarted 3 times: connection refused",
        " flannel restarted 10 times: connection refused",
    ]


def test_deadline_names_unit_text_and_command(follow):
    stuck = status(unit("artifacts.service", "running", text="kubelet 12% of 78 MiB"), unit("kubelet.service"))
    with pytest.raises(NodeBootstrapError) as raised:
        follow(stuck, timeout_s=30)
    assert "not up after 30 s: it is at artifacts.service (kubelet 12% of 78 MiB)." in str(raised.value)
    assert raised.value.as_failure()["unit"] == "artifacts.service"


def test_reboot_is_survived_and_said(follow):
    first = status(unit("artifacts.service", "running"))
    follow(first, silence(), UP | {"boot_id": "b2"})
    assert [line for line in follow.said if "no answer: waits for it to come back" in line]
    assert [line for line in follow.said if "has rebooted" in line]


def test_node_without_its_programs_yet_is_asked_again(follow):
    assert follow(done(status=75, stderr="not installed"), UP)


def test_status_that_is_no_json_is_shown(follow):
    with pytest.raises(NodeError, match="its status cannot be read .*oops"):
        follow(done("oops"))


def test_faults_of_two_nodes_are_both_told():
    clock = FakeClock()
    nodes = {name: FakeNode(clock, done("oops")) for name in ("demo-worker-1", "demo-worker-2")}
    connections = {name: connect(name, node.transport, clock) for name, node in nodes.items()}
    with pytest.raises((NodesFailedError, NodeError), match="its status cannot be read"):
        Follower(connections, timeout_s=10, clock=clock, say=lambda _line: None).run()


def test_waiting_for_prefers_failed_then_running_then_next():
    parsed = parse_status(
        "n", json.dumps(status(unit("a.service", "done"), unit("b.service"), unit("c.service", "running")))
    )
    assert parsed.waiting_for.name == "c.service"
    parsed = parse_status("n", json.dumps(status(unit("a.service", "done"), unit("b.service"))))
    assert parsed.waiting_for.name == "b.service"


def test_timeline_draws_each_unit_with_its_seconds_and_escapes_names(follow):
    histories = follow(UP, name="demo<1>")
    page = render_timeline("demo", histories)
    assert "Bootstrap of demo: 9.5 s" in page
    assert "<title>artifacts: 1.0 s to 4.0 s, 3.0 s</title>" in page
    assert "demo&lt;1&gt;" in page
    assert "demo<1>" not in page
