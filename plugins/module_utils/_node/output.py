# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a run leaves behind on the controller: outputs, never inputs."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OutputFolder", "open_output_folder", "write_private"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFolder:
    """Where the run's files go. `note` says so if that is not where the operator wanted them, else it is empty."""

    path: Path
    note: str


def open_output_folder(wanted: str, cluster_name: str) -> OutputFolder:
    """Make `wanted`/CLUSTER; where that cannot be written (AWX's project folder, for one), a temporary folder."""
    path = Path(wanted).expanduser() / cluster_name
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return OutputFolder(path=path, note="")
    except OSError as error:
        # One folder for all stages of this user, whatever else runs: a fixed name that only its owner may use.
        instead = Path(tempfile.gettempdir()) / f"flotilla-{os.getuid()}" / cluster_name
        instead.mkdir(mode=0o700, parents=True, exist_ok=True)
        if instead.parent.stat().st_uid != os.getuid():
            instead = Path(tempfile.mkdtemp(prefix=f"flotilla-{cluster_name}-"))
        return OutputFolder(path=instead, note=f"{path} cannot be written ({error.strerror}): files go to {instead}")


def write_private(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Replace the file in one step; nobody sees half of it, and its permissions hold from its first byte."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
