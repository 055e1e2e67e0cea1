# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from local_cloud.build.command import Commands
from local_cloud.build.errors import CommandError, PreflightError

__all__ = ["check_disk", "check_machine", "ensure_packages"]

_GIB = 1 << 30
# Each is a file that a Debian package brings, and the package.
_NEEDED = {
    "/usr/bin/mmdebstrap": "mmdebstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "/usr/bin/gcc": "gcc",
    "/usr/lib/x86_64-linux-gnu/libc.a": "libc6-dev",
    "/usr/bin/unshare": "util-linux",
}


def check_machine(out: Callable[[str], None], log: Path) -> None:
    """Raises PreflightError unless this machine can build; installs Debian packages that are missing."""
    if os.geteuid() != 0:
        raise PreflightError("The build makes root file systems, which only root can: run it as root, or with sudo.")
    if platform.machine() != "x86_64":
        raise PreflightError(
            f"The build makes programs for x86_64 and runs them; this machine is {platform.machine()}."
        )
    if shutil.which("go") is None:
        raise PreflightError(
            "There is no `go` on PATH. Install Go (what build/go/kubernetes/go.mod names, or newer), or put "
            "its folder on root's PATH: sudo does not keep yours."
        )
    ensure_packages(_NEEDED, out, log)


def check_disk(cache: Path, needed_gib: float) -> None:
    """Raises PreflightError unless the cache's file system has that much space left."""
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    free_gib = shutil.disk_usage(existing).free / _GIB
    if free_gib < needed_gib:
        raise PreflightError(
            f"{existing} has {free_gib:.1f} GiB free, but the build needs {needed_gib:.1f} GiB there. Free some, or "
            "name a folder elsewhere in LOCAL_CLOUD_CACHE."
        )


def ensure_packages(needed: Mapping[str, str], out: Callable[[str], None], log: Path) -> None:
    """Install the Debian packages of which a file is not there.

    Raises PreflightError, which names the packages, where there is no apt-get or it fails.
    """
    missing = sorted({package for file, package in needed.items() if not Path(file).exists()})
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise PreflightError(f"This machine lacks {names}, and has no apt-get to install them: install them yourself.")
    out(f"Installing Debian packages: {names}")
    try:
        _install(missing, log)
    except CommandError as error:
        raise PreflightError(f"The Debian packages {names} are needed and could not be installed. {error}") from error


def _install(packages: list[str], log: Path) -> None:
    commands = Commands()
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    commands.run(["apt-get", "update"], log=log, env=quiet)
    commands.run(["apt-get", "install", "--yes", "--no-install-recommends", *packages], log=log, env=quiet)
