# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Store"]


class Store:
    """The cache: CACHE/STEP/KEY/ holds a finished result; what is half made has another name and never counts."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def result(self, step: str, key: str) -> Path:
        return self.cache / step / key

    def has(self, step: str, key: str) -> bool:
        return self.result(step, key).is_dir()

    def log(self, step: str) -> Path:
        """The file that takes what the commands of a step say; emptied, since a new attempt starts."""
        path = self.cache / "logs" / f"{step}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        return path

    @contextmanager
    def filling(self, step: str, key: str) -> Iterator[Path]:
        """A folder to fill; it becomes the result if the block ends without an exception."""
        partial = self.cache / step / f"{key}.partial"
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(self.result(step, key))

    def leftovers(self, step: str, key: str) -> list[Path]:
        """Results of a step, finished or not, that are not of the present key."""
        return sorted(path for path in (self.cache / step).glob("*") if path.name != key)

    @contextmanager
    def locked(self, out: Callable[[str], None]) -> Iterator[None]:
        """Hold the cache for one build; a second one waits and says for whom."""
        self.cache.mkdir(parents=True, exist_ok=True)
        with open(os.open(self.cache / "lock", os.O_RDWR | os.O_CREAT, 0o644), "r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                out(f"Another build is at work in {self.cache} ({lock.read().strip()}); waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            lock.truncate()
            lock.write(f"process {os.getpid()} since {datetime.now(UTC):%H:%M:%S} UTC\n")
            lock.flush()
            yield
