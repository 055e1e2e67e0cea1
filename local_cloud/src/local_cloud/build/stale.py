# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["remove_unused"]


def remove_unused(paths: list[Path]) -> list[Path]:
    """Remove old results, but none that a process of this machine still stands on; returns what was removed."""
    in_use = "\n".join(_roots_and_mounts()) if paths else ""
    removed = [path for path in paths if str(path) not in in_use]
    for path in removed:
        shutil.rmtree(path)
    return removed


def _roots_and_mounts() -> Iterator[str]:
    """What every process has mounted (a droplet's overlay names its lower folder) or uses as its root."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # It may end while it is looked at.
            yield os.readlink(process / "root")
            yield (process / "mountinfo").read_text()
