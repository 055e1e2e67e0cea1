# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of this machine, told apart by number and start time."""

from __future__ import annotations

from pathlib import Path

__all__ = ["is_alive", "start_of"]

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
