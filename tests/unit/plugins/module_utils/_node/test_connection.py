# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection, Stop, StoppedError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import (
    NodeCommandError,
    NodeUnreachableError,
    classify_refusal,
)
from tests.unit.node_fakes import FakeClock, ScriptedTransport, connect, done, silence

ADDRESS = ("198.51.100.3", 22)


class Port:
    """A TCP port that opens at some time."""

    def __init__(self, clock, opens_s):
        self.clock, self.opens_s, self.tries = clock, opens_s, 0

    def __call__(self, address, timeout_s):
        self.tries += 1
        self.clock.sleep(timeout_s)
        return self.clock.now_s() >= self.opens_s


def answers(*given):
    queue = list(given)
    return ScriptedTransport(lambda _command, _stdin: queue.pop(0) if len(queue) > 1 else queue[0])


def connection_with(transport, clock, port):
    return NodeConnection("demo-worker-1", transport, clock=clock, address=ADDRESS, is_open=port)


def test_node_that_comes_up_is_found_within_a_second_and_ssh_runs_once():
    clock = FakeClock()
    transport = answers(done())
    connection = connection_with(transport, clock, Port(clock, clock.now_s() + 4))
    assert 4 <= connection.wait_until_reachable(60) < 5
    assert connection.exchanges == 1


def test_open_port_with_a_refused_login_is_tried_again_but_not_hastily():
    clock = FakeClock()
    denied = silence(kind="permission denied", message="Permission denied (publickey).")
    transport = answers(denied, denied, done())
    assert connection_with(transport, clock, Port(clock, 0)).wait_until_reachable(60) >= 6
    assert len(transport.commands) == 3


def test_login_that_stays_refused_ends_the_wait_with_the_settings_to_check():
    clock = FakeClock()
    transport = answers(silence(kind="permission denied", message="Permission denied (publickey)."))
    with pytest.raises(NodeUnreachableError, match="demo-worker-1: permission denied .*ansible_ssh_private_key_file"):
        connection_with(transport, clock, Port(clock, 0)).wait_until_reachable(3600)
    assert clock.now_s() < 1000 + 90


def test_changed_host_key_ends_the_wait_at_once():
    clock = FakeClock()
    transport = answers(silence(kind="host key changed", message="Host key verification failed."))
    with pytest.raises(NodeUnreachableError, match="Host key verification failed"):
        connection_with(transport, clock, Port(clock, 0)).wait_until_reachable(600)
    assert len(transport.commands) == 1


def test_silence_ends_at_the_deadline_and_asks_for_droplet_and_firewall():
    clock = FakeClock()
    transport = answers(silence())
    with pytest.raises(NodeUnreachableError, match="no answer over SSH from 198.51.100.3 port 22 for .* firewall"):
        connection_with(transport, clock, Port(clock, 1e9)).wait_until_reachable(60)
    assert 1060 <= clock.now_s() < 1075


def test_ssh_is_tried_now_and_then_although_the_port_looks_closed():
    clock = FakeClock()
    transport = answers(silence(), done())
    connection_with(transport, clock, Port(clock, 1e9)).wait_until_reachable(60)
    assert len(transport.commands) == 2


def test_called_off_wait_ends():
    clock, stop = FakeClock(), Stop()
    stop.set()
    with pytest.raises(StoppedError):
        connection_with(answers(silence()), clock, Port(clock, 1e9)).wait_until_reachable(60, stop=stop)


def test_failed_command_names_node_purpose_status_and_last_words():
    connection = connect("demo-worker-1", answers(done(status=4, stderr="first\nsecond\n")))
    with pytest.raises(NodeCommandError) as raised:
        connection.run_checked("false", what="do it")
    assert str(raised.value) == "demo-worker-1: could not do it: exit status 4, first / second"


def test_script_travels_on_standard_input_and_arguments_are_quoted():
    seen = []
    connection = connect("demo-worker-1", ScriptedTransport(lambda *call: seen.append(call) or done()))
    connection.run_script("echo hello", "it's", what="greet")
    assert seen == [("""sudo -n bash -s -- 'it'"'"'s'""", b"echo hello")]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("ssh: connect to host 198.51.100.3 port 22: Connection timed out", "no answer"),
        ("ssh: connect to host 198.51.100.3 port 22: Connection refused", "no answer"),
        ("kex_exchange_identification: read: Connection reset by peer", "no answer"),
        ("core@198.51.100.3: Permission denied (publickey).", "permission denied"),
        ('"System is booting up. Unprivileged users are not permitted to log in yet."', "still booting"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nPermission denied", "host key changed"),
        ("Bad owner or permissions on /etc/ssh/ssh_config.d/x.conf", "connection failed"),
    ],
)
def test_ssh_words_are_told_apart(words, kind):
    assert classify_refusal(words) == kind
