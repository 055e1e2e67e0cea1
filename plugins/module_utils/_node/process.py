# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of this machine, told apart by number and start time."""

from __future__ import annotations

import datetime
import os
import pwd
import socket
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Holder", "is_alive", "start_of"]

# proc(5): start time is field 22; the command in field 2 may hold spaces and parentheses, so count from its end.
_FIELDS_AFTER_COMMAND = 22 - 3


def start_of(pid: int) -> str | None:
    """Return when a process started, in ticks since boot, or None where there is no such (living) process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[_FIELDS_AFTER_COMMAND]


def is_alive(pid: int, start: str) -> bool:
    """Return whether the process with this number and this start time still runs."""
    return start_of(pid) == start


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A controller's process. Its start time tells it from a later process with the same number."""

    user: str
    host: str
    pid: int
    start: str
    since: str

    @classmethod
    def of_process(cls, pid: int, *, now: datetime.datetime) -> Holder:
        """Return the holder for a process of this machine."""
        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            # A container may run as a number that has no name.
            user = str(os.getuid())
        return cls(
            user=user.replace(" ", "_"),
            host=socket.gethostname(),
            pid=pid,
            start=start_of(pid) or "0",
            since=now.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    @classmethod
    def parse(cls, line: str) -> Holder | None:
        """Read a line that `str()` made, or return None."""
        words = line.split()
        if len(words) != 7 or words[1::2] != ["pid", "start", "since"] or not words[2].isdigit():
            return None
        user, _, host = words[0].rpartition("@")
        return cls(user=user, host=host, pid=int(words[2]), start=words[4], since=words[6])

    def __str__(self) -> str:
        """One line, for people and for `parse`."""
        return f"{self.user}@{self.host} pid {self.pid} start {self.start} since {self.since}"

    def is_same_process(self, other: Holder) -> bool:
        """Return whether both are one process, whenever it took the lock."""
        return (self.host, self.pid, self.start) == (other.host, other.pid, other.start)

    def is_dead(self) -> bool:
        """Return whether this was a process of this machine that has ended."""
        return self.host == socket.gethostname() and not is_alive(self.pid, self.start)
