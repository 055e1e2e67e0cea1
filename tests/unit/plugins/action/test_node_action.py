# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeUnreachableError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.process import is_alive, start_of
from ansible_collections.flotilla.coreos.plugins.plugin_utils import _node_action
from ansible_collections.flotilla.coreos.plugins.plugin_utils._node_action import AnsibleTransport, NodeAction

HOST = {"inventory_hostname": "demo-worker-1", "ansible_host": "198.51.100.3", "ansible_user": "core"}

LOCAL = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))


class Greet(NodeAction):
    ARGUMENTS = {"name": {"type": "str", "required": True}}

    def perform(self, arguments, task_vars):
        if arguments["name"] == "nobody":
            raise ConfigError("there is nobody to greet")
        return {"changed": False, "greeting": f"hello {arguments['name']}"}

    def failure_details(self):
        return {"hint": "say a name"}


@pytest.fixture
def action(monkeypatch):
    # The real one would tie this test process to whatever started it.
    monkeypatch.setattr(_node_action, "_end_with_parent", lambda: None)

    def make(**arguments):
        task = Task()
        task.action, task.args = "greet", arguments
        loader = DataLoader()
        return Greet(task, LOCAL, PlayContext(), loader, Templar(loader=loader), None)

    return make


def connect(action, **variables):
    return action().connect("demo-worker-1", {"hostvars": {"demo-worker-1": HOST | variables}})


def options_of(connection):
    return connection._transport._connection


def test_result_is_what_the_work_returns(action):
    assert action(name="Ann").run(task_vars={})["greeting"] == "hello Ann"


def test_error_of_the_family_becomes_a_failed_task_with_its_data(action):
    result = action(name="nobody").run(task_vars={})
    assert (result["failed"], result["msg"], result["hint"]) == (True, "there is nobody to greet", "say a name")
    assert result["failure"]["kind"] == "ConfigError"


def test_unknown_argument_is_refused(action):
    with pytest.raises(AnsibleError, match="nmae"):
        action(name="Ann", nmae="Ann").run(task_vars={})


def test_connection_takes_the_hosts_own_variables(action):
    connection = connect(
        action, ansible_port=2222, ansible_ssh_private_key_file="/keys/id", ansible_ssh_common_args="-4"
    )
    assert connection.address == ("198.51.100.3", 2222)
    assert connection.login == "ssh -i /keys/id -p 2222 -4 core@198.51.100.3"
    assert options_of(connection).get_option("remote_user") == "core"


@pytest.mark.parametrize("arguments", ["-o ProxyJump=bastion", "-J bastion", "-o 'ProxyCommand=nc %h %p'"])
def test_node_behind_a_jump_host_is_not_asked_directly(action, arguments):
    assert connect(action, ansible_ssh_common_args=arguments).address is None


def test_silent_machine_ends_an_exchange_but_an_operators_values_win(action):
    extra = options_of(connect(action, ansible_ssh_extra_args="-o ServerAliveInterval=60")).get_option("ssh_extra_args")
    assert extra.startswith("-o ServerAliveInterval=60 ")
    assert extra.endswith("-o ServerAliveCountMax=4")


def test_answers_are_kept_out_of_verbose_logs(action):
    assert options_of(connect(action))._play_context.no_log is True


def test_host_that_is_not_in_the_inventory_is_named(action):
    with pytest.raises(ConfigError, match="demo-worker-9 is not in the inventory"):
        action().connect("demo-worker-9", {"hostvars": {}})


def test_other_connection_plugins_are_refused(action):
    with pytest.raises(ConfigError, match="demo-worker-1: ansible_connection is docker"):
        connect(action, ansible_connection="docker")


class FakePlugin:
    def __init__(self, outcome):
        self.outcome, self.calls = outcome, []

    def exec_command(self, command, in_data=None, sudoable=True):
        self.calls.append((command, in_data, sudoable))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def test_commands_run_without_a_terminal_that_would_change_bytes():
    plugin = FakePlugin((0, b"\x00\r\n", b""))
    assert AnsibleTransport("n", plugin).execute("cat", b"in").stdout == b"\x00\r\n"
    assert plugin.calls == [("cat", b"in", False)]


def test_ssh_failure_is_told_by_its_last_line_and_kind():
    message = "Failed to connect to the host via ssh: Warning: added key\r\ncore@n: Permission denied (publickey)."
    with pytest.raises(NodeUnreachableError) as raised:
        AnsibleTransport("n", FakePlugin(AnsibleConnectionFailure(message))).execute("true", None)
    assert str(raised.value) == "n: core@n: Permission denied (publickey)."
    assert raised.value.kind == "permission denied"


def test_missing_ssh_program_is_the_controllers_fault():
    error = AnsibleError("Unable to execute ssh command line on a controller.")
    with pytest.raises(ConfigError, match="no SSH connection can be made from this controller"):
        AnsibleTransport("n", FakePlugin(error)).execute("true", None)


def test_worker_ends_with_its_parent():
    # A parent that starts a child which ties itself to it, prints the child's number and is killed.
    child = textwrap.dedent("""
        import os, sys, time
        sys.path[:0] = __PATH__
        from ansible_collections.flotilla.coreos.plugins.plugin_utils._node_action import _end_with_parent
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            _end_with_parent()
            os.write(write, b"x")
            time.sleep(60)
        os.read(read, 1)
        print(pid, flush=True)
        time.sleep(60)
    """).replace("__PATH__", json.dumps(sys.path))
    with subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        start = start_of(pid)
        assert start is not None
        parent.kill()
    deadline_s = time.monotonic() + 5
    while is_alive(pid, start) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert not is_alive(pid, start)
