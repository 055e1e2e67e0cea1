# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node over SSH: run commands, feed them bytes, wait until it answers."""

from __future__ import annotations

import contextlib
import shlex
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import (
    BOOTING,
    DENIED,
    HOST_KEY,
    SILENT,
    NodeCommandError,
    NodeUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

__all__ = ["NodeConnection", "Result", "Stop", "StoppedError", "Transport", "is_port_open"]

POLL_S = 0.2
# Past this much silence ssh is tried all the same: a jump host from ~/.ssh/config is invisible from here.
SSH_ANYWAY_S = 10.0
# sshd slows down a client that fails to log in again and again, so these tries are far apart.
DENIED_POLL_S = 3.0
# The key is written early at boot. A login that is refused for so long will be refused for ever.
DENIED_PATIENCE_S = 60.0
_SAID_CHARS = 600


class StoppedError(Exception):
    """The wait was called off, because another node's fault has ended the whole."""


class Stop:
    """Tells waiting threads that waiting is pointless now."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Call off all waits."""
        self._event.set()

    def check(self) -> None:
        """Raise StoppedError once called off."""
        if self._event.is_set():
            raise StoppedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command left behind."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode(errors="replace")

    @property
    def said(self) -> str:
        """The end of standard error on one line, for a message."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines)[-_SAID_CHARS:]


class Transport(Protocol):
    """How a command reaches the node."""

    def execute(self, command: str, stdin: bytes | None) -> Result:
        """Run the command. Raises NodeUnreachableError where SSH itself failed."""


def is_port_open(address: tuple[str, int], timeout_s: float) -> bool:
    """Return whether something accepts TCP connections there."""
    try:
        with contextlib.closing(socket.create_connection(address, timeout=timeout_s)):
            return True
    except OSError:
        return False


class NodeConnection:
    """A node. Threads may share it: one exchange runs at a time.

    `address` is where sshd listens if that can be reached without a jump host, else None. `login` is the command by
    which the operator gets in.
    """

    def __init__(
        self,
        name: str,
        transport: Transport,
        *,
        clock: Clock,
        address: tuple[str, int] | None = None,
        login: str = "",
        is_open: Callable[[tuple[str, int], float], bool] = is_port_open,
    ) -> None:
        self.name = name
        self.address = address
        self.login = login or f"ssh {name}"
        self.exchanges = 0
        self._transport = transport
        self._clock = clock
        self._is_open = is_open
        self._turn = threading.Lock()

    def run(self, command: str, *, stdin: bytes | None = None) -> Result:
        """Run a command in one SSH exchange and return whatever came of it. Raises NodeUnreachableError."""
        with self._turn:
            self.exchanges += 1
            return self._transport.execute(command, stdin)

    def run_checked(self, command: str, *, what: str, stdin: bytes | None = None) -> Result:
        """Run a command that has to succeed. `what` completes "could not ...". Raises NodeCommandError."""
        result = self.run(command, stdin=stdin)
        if result.status != 0:
            raise NodeCommandError(self.name, what, status=result.status, said=result.said)
        return result

    def run_script(self, script: str, *arguments: str, what: str) -> Result:
        """Run a bash script as root; it travels on standard input, so the process list shows its arguments only."""
        command = " ".join(["sudo -n bash -s --", *(shlex.quote(argument) for argument in arguments)])
        return self.run_checked(command, what=what, stdin=script.encode())

    def wait_until_reachable(self, timeout_s: float, *, stop: Stop | None = None) -> float:
        """Wait until a login succeeds and return the seconds it took.

        Raises NodeUnreachableError: at once for a changed host key, after a minute of refused logins, at the deadline.
        """
        started_s = self._clock.now_s()
        deadline_s = started_s + timeout_s
        last: NodeUnreachableError | None = None
        denied_since_s: float | None = None
        while True:
            if stop:
                stop.check()
            self._wait_for_port(min(deadline_s, self._clock.now_s() + SSH_ANYWAY_S), stop)
            try:
                self.run("true")
            except NodeUnreachableError as error:
                last = error
            else:
                return self._clock.now_s() - started_s
            now_s = self._clock.now_s()
            if last.kind == HOST_KEY:
                raise last
            denied_since_s = (denied_since_s or now_s) if last.kind == DENIED else None
            is_hopeless = denied_since_s is not None and now_s - denied_since_s > DENIED_PATIENCE_S
            if is_hopeless or now_s >= deadline_s:
                raise self._gave_up(last, now_s - started_s)
            self._clock.sleep(DENIED_POLL_S if last.kind == DENIED else POLL_S)

    def _wait_for_port(self, deadline_s: float, stop: Stop | None) -> None:
        if self.address is None:
            return
        attempt = 0
        while self._clock.now_s() < deadline_s:
            if stop:
                stop.check()
            attempt += 1
            # A short time-out finds a machine soon after it comes up, since its first SYN got lost; every fifth
            # try is patient, for a path that is slow.
            if self._is_open(self.address, 1.5 if attempt % 5 == 0 else 0.4):
                return
            self._clock.sleep(POLL_S)

    def _gave_up(self, last: NodeUnreachableError, waited_s: float) -> NodeUnreachableError:
        where = f"{self.address[0]} port {self.address[1]}" if self.address else "the node"
        hint = {
            SILENT: "Is the droplet running, and does its firewall let this controller in?",
            BOOTING: "It answers but has not finished booting far enough to let anyone in; look at its console.",
            DENIED: "The droplet does not know this SSH key: check ansible_ssh_private_key_file and ssh_public_key.",
        }.get(last.kind, "Try the same by hand with ssh -v.")
        return NodeUnreachableError(
            self.name,
            f"{last.kind} over SSH from {where} for {waited_s:.0f} s ({last.message}). {hint}",
            kind=last.kind,
        )
