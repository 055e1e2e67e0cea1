# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_cloud.build.step import Step, Work

__all__ = ["DebianTree", "bootstrap"]

# Debian ships it for variants that only extract packages, which do not run the script that makes /bin a link.
_MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")


def _leave(root: Path, work: Work) -> None:
    """The tree needs nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebianTree:
    """A root file system of Debian packages.

    `variant` is mmdebstrap's: `minbase` boots or takes a chroot, `extract` has just the files of the packages named
    and of those that they depend on.
    """

    name: str
    suite: str
    variant: str
    packages: tuple[str, ...]

    def step(self, finish: Callable[[Path, Work], None] = _leave, *, inputs: Sequence[str] = ()) -> Step:
        """A step whose result has rootfs/; `finish` may change it before it becomes the result."""

        def make(folder: Path, work: Work) -> None:
            bootstrap(self, folder / "rootfs", work)
            finish(folder / "rootfs", work)

        return Step(name=self.name, make=make, inputs=(repr(self), inspect.getsource(finish), *inputs))


def bootstrap(tree: DebianTree, target: Path, work: Work) -> None:
    """Fill `target` with the packages, from wherever this machine's mmdebstrap gets them by default."""
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    hooks = [f"--hook-dir={_MERGED_USR}"] if tree.variant == "extract" else []
    work.run(
        "mmdebstrap",
        "--mode=root",
        f"--variant={tree.variant}",
        f"--include={','.join(tree.packages)}",
        *excluded,
        *hooks,
        tree.suite,
        target,
        on_line=lambda line: _show_stage(line, work),
        sandbox=True,
    )


def _show_stage(line: str, work: Work) -> bool:
    is_stage = line.startswith("I: ")
    if is_stage:
        work.note(line.removeprefix("I: "))
    return is_stage
