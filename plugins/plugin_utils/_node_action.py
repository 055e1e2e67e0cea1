# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins for nodes without Python have in common."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError, ConfigError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection, Result
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import (
    NodeUnreachableError,
    classify_refusal,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._node.output import OutputFolder, open_output_folder
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NodeAction", "main_process_id"]

_JUMPS = re.compile(r"ProxyJump|ProxyCommand|(^|\s)-[JW]\b")
# A machine that lost its power says nothing; these end an exchange with it after 20 s. An operator's own values win,
# since ssh takes the first it reads.
_KEEPALIVE = "-o ServerAliveInterval=5 -o ServerAliveCountMax=4"


class AnsibleTransport:
    """An Ansible connection plugin as a transport; errors become ours."""

    def __init__(self, name: str, connection: Any) -> None:
        self._name = name
        self._connection = connection

    def execute(self, command: str, stdin: bytes | None) -> Result:
        """Run the command without a terminal, so that bytes arrive as they were sent."""
        try:
            status, stdout, stderr = self._connection.exec_command(command, in_data=stdin, sudoable=False)
        except AnsibleConnectionFailure as error:
            message = str(error)
            raise NodeUnreachableError(self._name, _last_line(message), kind=classify_refusal(message)) from error
        except AnsibleError as error:
            raise ConfigError(f"{self._name}: no SSH connection can be made from this controller: {error}") from error
        return Result(status=status, stdout=stdout, stderr=stderr)


class NodeAction(ActionBase):
    """Validates arguments, makes connections, reports errors. `perform` does the work and returns the result."""

    ARGUMENTS: ClassVar[dict[str, dict[str, Any]]] = {}
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action as Ansible asks for it; an error of the collection's family becomes a failed task."""
        _end_with_parent()
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(self.ARGUMENTS)  # type: ignore[no-untyped-call]  # ansible has none
        try:
            # Through JSON: Ansible's strings know where they came from, which a YAML writer takes for foreign objects.
            result.update(self.perform(json.loads(json.dumps(arguments)), task_vars or {}))
        except CollectionError as error:
            result.update(failed=True, msg=str(error), failure=error.as_failure(), **self.failure_details())
        return result

    @abstractmethod
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do the work and return the task's result. Raises CollectionError."""

    def failure_details(self) -> dict[str, Any]:
        """Return what a failed task shall hold besides its message."""
        return {}

    @property
    def is_check_mode(self) -> bool:
        """Whether nothing may be changed."""
        return bool(self._task.check_mode)

    def say(self, line: str) -> None:
        """Show a line to the operator while the task runs."""
        Display().display(f"    {line}")

    def output_folder(self, wanted: str, cluster_name: str) -> OutputFolder:
        """Return where the run's files go, and say so if that is elsewhere than wanted."""
        folder = open_output_folder(wanted, cluster_name)
        if folder.note:
            self.say(folder.note)
        return folder

    def connect(self, name: str, task_vars: Mapping[str, Any]) -> NodeConnection:
        """Return a connection to any host of the inventory, with that host's own connection variables.

        Nothing is sent yet. Must be called in the main thread: templating is not made for several.
        """
        hostvars = task_vars["hostvars"]
        if name not in hostvars:
            raise ConfigError(f"{name} is not in the inventory, so there is no address to reach it at")
        variables = hostvars[name]
        plugin = self._load_connection(name, variables)
        login = _login_command(name, plugin)
        host, port = plugin.get_option("host") or name, int(plugin.get_option("port") or 22)
        arguments = " ".join(plugin.get_option(option) or "" for option in _SSH_ARGUMENTS)
        plugin.set_option("ssh_extra_args", f"{plugin.get_option('ssh_extra_args') or ''} {_KEEPALIVE}".strip())
        return NodeConnection(
            name,
            AnsibleTransport(name, plugin),
            clock=SystemClock(),
            address=None if _JUMPS.search(arguments) else (str(host), port),
            login=login,
        )

    def _load_connection(self, name: str, variables: Mapping[str, Any]) -> Any:
        kind = variables.get("ansible_connection", "ssh")
        if kind not in ("ssh", "smart", "ansible.builtin.ssh"):
            raise ConfigError(f"{name}: ansible_connection is {kind}, but a droplet is reached by ssh only")
        context = self._play_context.copy()
        context.remote_addr = name
        context.connection = "ssh"
        # Keeps what a node answers, which may be a key, out of the log of a run with -vvv.
        context.no_log = True
        plugin = connection_loader.get("ssh", context)
        wanted = C.config.get_plugin_vars("connection", plugin._load_name)
        keywords = self._task.dump_attrs()
        # They mean the task's own time-out and retries, not the connection's.
        for keyword in ("timeout", "retries"):
            keywords.pop(keyword, None)
        plugin.set_options(task_keys=keywords, var_options={key: variables[key] for key in wanted if key in variables})
        return plugin


_SSH_ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")


_PR_SET_PDEATHSIG = 1


def main_process_id() -> int:
    """Return the number of the ansible process itself; actions run in workers that it forks for each task."""
    return os.getppid()


def _end_with_parent() -> None:
    """Let this worker end as soon as the ansible process does, by kill -9 too.

    A worker has a session of its own and would go on alone: signing, while the next run already takes over the lock of
    the process that is gone. Only Linux can do this; elsewhere the worker ends with its task.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _login_command(name: str, plugin: Any) -> str:
    """Return what the operator types to get into the node by hand."""
    words = ["ssh"]
    if key := plugin.get_option("private_key_file"):
        words += ["-i", str(key)]
    if (port := plugin.get_option("port")) and int(port) != 22:
        words += ["-p", str(port)]
    words += [str(plugin.get_option("ssh_common_args") or "").strip()]
    user = plugin.get_option("remote_user")
    host = plugin.get_option("host") or name
    return " ".join([word for word in words if word] + [f"{user}@{host}" if user else str(host)])


def _last_line(message: str) -> str:
    """Return the end of ssh's words: banners and warnings come first, the reason last."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[-1] if lines else "ssh ended without a word"
