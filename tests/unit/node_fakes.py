# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes for tests: one that answers from a table, one that runs the real scripts in a folder of its own."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection, Result, Transport
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

Answer = Result | NodeUnreachableError


class FakeClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time_s = 1000.0
        self._lock = threading.Lock()

    def now_s(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.time_s += seconds


def done(stdout: bytes | str = b"", *, status: int = 0, stderr: str = "") -> Result:
    content = stdout.encode() if isinstance(stdout, str) else stdout
    return Result(status=status, stdout=content, stderr=stderr.encode())


def silence(node: str = "demo-worker-1", kind: str = "no answer", message: str = "timed out") -> NodeUnreachableError:
    return NodeUnreachableError(node, message, kind=kind)


class ScriptedTransport:
    """Answers each command by a function of (command, stdin) and remembers them."""

    def __init__(self, answer: Callable[[str, bytes | None], Answer]) -> None:
        self._answer = answer
        self.commands: list[str] = []

    def execute(self, command: str, stdin: bytes | None) -> Result:
        self.commands.append(command)
        answer = self._answer(command, stdin)
        if isinstance(answer, NodeUnreachableError):
            raise answer
        return answer


class FolderTransport:
    """Runs commands for real, with the node's folders moved below `root` and without sudo."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands: list[str] = []

    def execute(self, command: str, stdin: bytes | None) -> Result:
        self.commands.append(command)
        moved = self._move(command).replace("sudo -n ", "")
        # An archive holds no path of the node's, so only scripts change.
        moved_stdin = self._move(stdin.decode()).encode() if stdin and stdin.startswith(b"set -eu") else stdin
        process = subprocess.run(["bash", "-c", moved], input=moved_stdin or b"", capture_output=True, check=False)
        return Result(status=process.returncode, stdout=process.stdout, stderr=process.stderr)

    def _move(self, text: str) -> str:
        for folder in ("/var/lib/flotilla", "/opt/flotilla"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text.replace("chown -R 0:0", "true")


def connect(name: str, transport: Transport, clock: Clock | None = None) -> NodeConnection:
    return NodeConnection(name, transport, clock=clock or FakeClock(), login=f"ssh core@{name}")
