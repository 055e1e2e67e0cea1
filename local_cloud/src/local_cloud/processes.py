# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ProcessId", "run", "wait_until"]


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process by number and start time: numbers are reused, the pair is not."""

    pid: int
    start_ticks: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process with this number now; None if there is none, or only its remains."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The command in parentheses may hold anything; state is the first field after it, the start time the 20th.
        fields = text[text.rindex(")") + 2 :].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    def is_alive(self) -> bool:
        return ProcessId.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Send a signal, unless the process is gone."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def kill_session(self) -> None:
        """Kill a process that leads a session, and its whole process group."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until the process ends; it need not be a child. False if it lives on after `timeout_s`."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.is_alive():
                return True
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))
        finally:
            os.close(handle)


def run(*argv: str, stdin: str = "", cwd: Path | None = None) -> str:
    """Run a command to its end and return what it printed. Raises MachineError with its own words."""
    done = subprocess.run(argv, input=stdin, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise MachineError(f"`{' '.join(argv)}` failed with {done.returncode}: {said}")
    return done.stdout


def wait_until(is_so: Callable[[], bool], *, timeout_s: float, pause_s: float = 0.02) -> bool:
    """Poll a condition; tells whether it came true in time."""
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(pause_s)
    return True
