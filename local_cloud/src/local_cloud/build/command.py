# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from local_cloud.build.errors import CommandError

__all__ = ["Commands", "tells_no_progress"]

_LOG_TAIL_LINES = 15
# Should this process be killed, the kernel ends its children too: no compiler and no chroot outlives a build.
_DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
# Mounts and processes of whatever runs in here end with it, however it ends.
_SANDBOX = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "--")


def tells_no_progress(line: str) -> bool:
    """Every line matters."""
    return False


class Commands:
    """Runs the build's commands, writes what they say into logs, and can end all of them from another thread."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], bool] = tells_no_progress,
        sandbox: bool = False,
    ) -> None:
        """Run to the end. `env` adds to the environment.

        `on_line` sees each line of output and is true of one that only tells progress. Raises CommandError with the
        last of the other lines if the exit status is not 0.
        """
        with log.open("a") as record:
            record.write(f"$ {' '.join(argv)}\n")
            process = self._start(argv, cwd=cwd, env=env, stdout=subprocess.PIPE, sandbox=sandbox)
            try:
                tail = _copy_output(process, record.write, on_line)
                status = process.wait()
            finally:
                self._forget(process)
        if status != 0:
            raise CommandError(_failure(argv, status, tail, log))

    def start(self, argv: Sequence[str], *, log: Path, sandbox: bool = False) -> subprocess.Popen[str]:
        """Start a server, which `end` ends."""
        with log.open("a") as record:
            return self._start(argv, stdout=record, sandbox=sandbox)

    def end(self, process: subprocess.Popen[str]) -> None:
        """End a server that `start` started, with all its children, without waiting for their leave."""
        _kill_group(process)
        process.wait()
        self._forget(process)

    def stop(self) -> None:
        """End every command that runs and refuse new ones."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _kill_group(process)

    def _start(
        self,
        argv: Sequence[str],
        *,
        stdout: int | IO[str],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        sandbox: bool = False,
    ) -> subprocess.Popen[str]:
        full = [*_DIE_WITH_PARENT, *(_SANDBOX if sandbox else ()), *argv]
        with self._lock:
            if self._stopped:
                raise CommandError(f"{argv[0]} was not started: the build is stopping.")
            process = subprocess.Popen(
                full,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def _forget(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(process)


def _copy_output(
    process: subprocess.Popen[str], write: Callable[[str], object], on_line: Callable[[str], bool]
) -> list[str]:
    """Write all output and return the last lines of it that tell more than progress."""
    tail: deque[str] = deque(maxlen=_LOG_TAIL_LINES)
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            write(line)
            if not on_line(line.rstrip()):
                tail.append(line.rstrip())
    return list(tail)


def _kill_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _failure(argv: Sequence[str], status: int, tail: Sequence[str], log: Path) -> str:
    said = "".join(f"\n    {line}" for line in tail)
    how = f"status {status}" if status > 0 else f"signal {-status}"
    return f"{argv[0]} ended with {how}; the last it said (all of it is in {log}):{said}"
