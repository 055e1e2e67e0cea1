# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time for a cluster on this controller; other controllers meet the lock on the control plane."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.process import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["RunLockedError", "hold", "refuse_if_held", "release"]

NAME = "run.lock"


class RunLockedError(CollectionError):
    """Another run on this controller is at work on the cluster."""

    def __init__(self, holder: str, path: Path) -> None:
        super().__init__(
            f"another run is at work on this cluster: {holder} ({path}). Wait for it to end, or end it; "
            "the lock of a run that is gone is taken over."
        )
        self.holder = holder

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, with the holder."""
        return super().as_failure() | {"holder": self.holder}


def hold(folder: Path, holder: Holder) -> None:
    """Take the lock for a process; taking it twice is no fault. Raises RunLockedError."""
    with _locked_file(folder) as descriptor:
        _refuse_other(_read(descriptor), holder, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder}\n".encode(), 0)


def release(folder: Path, holder: Holder) -> None:
    """Give the lock back, if it is this process's."""
    with _locked_file(folder) as descriptor:
        current = Holder.parse(_read(descriptor))
        if current is None or current.is_same_process(holder):
            (folder / NAME).unlink(missing_ok=True)


def refuse_if_held(folder: Path, holder: Holder) -> None:
    """Raise RunLockedError where `hold` would."""
    with contextlib.suppress(FileNotFoundError):
        _refuse_other((folder / NAME).read_text(), holder, folder)


def _refuse_other(line: str, holder: Holder, folder: Path) -> None:
    other = Holder.parse(line)
    if other and not other.is_same_process(holder) and not other.is_dead():
        raise RunLockedError(str(other), folder / NAME)


@contextlib.contextmanager
def _locked_file(folder: Path) -> Iterator[int]:
    """Open the file and hold the kernel's lock on it, so that looking and writing are one step."""
    path = folder / NAME
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever released it meanwhile has removed the file that this descriptor stands for.
            if path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino:
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _read(descriptor: int) -> str:
    return os.pread(descriptor, 4096, 0).decode(errors="replace")
