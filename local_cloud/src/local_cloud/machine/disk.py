# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A droplet's disk: a plain folder with everything of the image but /usr.

/usr is mounted read-only from the image, as on Flatcar, so a disk costs ten megabytes and a quarter of a second, and it
is no overlay: containerd can lay its own overlays on it.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

from local_cloud.processes import run

if TYPE_CHECKING:
    from pathlib import Path

    from local_cloud.drivers import MachineSpec

__all__ = ["MEMINFO", "discard", "make_disk", "write_meminfo"]

# Where on the disk, as the machine itself sees it.
MEMINFO = "/etc/local-cloud/meminfo"
# There is no package manager on Flatcar, and its lists are half of all files.
_PACKAGE_LISTS = ("dpkg", "apt")
_EMPTY = ("usr", "proc", "sys", "dev", "run", "tmp")


def make_disk(image: Path, disk: Path, spec: MachineSpec) -> None:
    """Make the disk, whole or not at all; leaves an existing one alone."""
    if disk.exists():
        return
    partial = disk.with_name(disk.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o755)
    run("cp", "-a", "--parents", "--reflink=auto", "-t", str(partial), *_copied(image), cwd=image)
    for name in _EMPTY:
        (partial / name).mkdir(mode=0o755)
    (partial / "tmp").chmod(0o1777)
    _personalise(partial, spec)
    partial.rename(disk)


def _copied(image: Path) -> list[str]:
    """The paths, relative to the image, that a disk has copies of."""
    paths = [path for path in image.iterdir() if path.name not in (*_EMPTY, "var")]
    paths += [path for path in (image / "var").iterdir() if path.name != "lib"]
    paths += [path for path in (image / "var/lib").iterdir() if path.name not in _PACKAGE_LISTS]
    return [str(path.relative_to(image)) for path in paths]


def _personalise(root: Path, spec: MachineSpec) -> None:
    """What the first boot must find: no identity yet, and the cloud's name server."""
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").unlink(missing_ok=True)
    resolved = root / "etc/systemd/resolved.conf.d"
    resolved.mkdir(parents=True, exist_ok=True)
    (resolved / "10-metadata.conf").write_text(f"[Resolve]\nDNS={spec.gateway}\nFallbackDNS=\n")


def write_meminfo(disk: Path, memory_mib: int) -> None:
    """Write what a machine is shown as /proc/meminfo: the kernel's own speaks of this whole machine.

    The total is right, so that a kubelet evicts before the limit is hit; what is free is guessed, once and for all.
    """
    total_kib = memory_mib * 1024
    values = {"MemTotal": total_kib, "MemFree": total_kib // 2, "MemAvailable": total_kib * 3 // 4, "Buffers": 0}
    values |= dict.fromkeys(("Cached", "SwapCached", "Shmem", "Slab", "SReclaimable", "SwapTotal", "SwapFree"), 0)
    path = disk / MEMINFO.lstrip("/")
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{name + ':':<16}{value:>8} kB\n" for name, value in values.items()))


def discard(folder: Path, trash: Path) -> None:
    """Take a folder out of sight at once; its contents are deleted in the background."""
    if not folder.exists():
        return
    trash.mkdir(exist_ok=True)
    condemned = trash / folder.name
    folder.rename(condemned)
    removal = subprocess.Popen(["rm", "-rf", "--one-file-system", str(condemned)])
    threading.Thread(target=removal.wait, daemon=True).start()
