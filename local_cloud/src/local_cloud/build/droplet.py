# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import shutil
from pathlib import Path

from local_cloud.build.keys import tree_digest
from local_cloud.build.step import Step, Work

__all__ = ["droplet_image_step", "lay_over"]

_IMAGE = Path(__file__).parents[1] / "image"
_SETUP = "setup.sh"
_FROM_KUBERNETES = ("containerd", "containerd-shim-runc-v2", "ctr")


def droplet_image_step() -> Step:
    """The image of a droplet: Debian's base, the container runtime, the guest, our overlay and its set-up."""
    return Step(
        name="image",
        make=_make,
        inputs=(tree_digest(_IMAGE),),
        needs=("droplet-base", "kubernetes", "guest"),
        disk_gib=1,
    )


def _make(folder: Path, work: Work) -> None:
    root = folder / "rootfs"
    work.note("copying the base")
    work.run("cp", "-a", "--reflink=auto", work.result("droplet-base") / "rootfs", root)
    programs = [work.result("kubernetes") / "bin" / name for name in _FROM_KUBERNETES]
    guest = work.result("guest") / "coreos-cloudinit"
    work.run("install", "-m", "0755", "-t", root / "usr/bin", *programs, guest)
    work.note("laying the overlay over it")
    lay_over(_IMAGE / "overlay", root)
    work.note("setting it up")
    work.run("install", "-m", "0700", _IMAGE / _SETUP, root / _SETUP)
    work.run("chroot", root, f"/{_SETUP}", env={"LC_ALL": "C.UTF-8"}, sandbox=True)
    (root / _SETUP).unlink()


def lay_over(overlay: Path, root: Path) -> None:
    """Copy the overlay's files into the root: root's own, with only the executable bit of a checkout's modes."""
    for source in sorted(overlay.rglob("*")):
        target = root / source.relative_to(overlay)
        if source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(os.readlink(source))
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
