# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

from local_cloud.build.golang import GoModule
from local_cloud.build.keys import tree_digest
from local_cloud.build.step import Step, Work
from local_cloud.build.versions import PAUSE, module_version

__all__ = ["guest_step", "pause_step"]

GUEST_SOURCE = Path(__file__).parents[1] / "guest"
# As build/pause/Makefile of Kubernetes has them.
_PAUSE_FLAGS = ("-Os", "-Wall", "-Werror", "-static", f"-DVERSION=v{PAUSE}")
_GUEST_BUILD = ("go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=")


def pause_step(module: GoModule) -> Step:
    """The program that holds a pod's namespaces, from the C source in the Kubernetes module."""

    def make(folder: Path, work: Work) -> None:
        source = _module_folder(module, "k8s.io/kubernetes", work) / "build/pause/linux/pause.c"
        work.run("gcc", *_PAUSE_FLAGS, "-o", folder / "pause", source)

    return Step(name="pause", make=make, inputs=(module_version("kubernetes"), *_PAUSE_FLAGS))


def guest_step() -> Step:
    """The agent that applies cloud-config inside a droplet."""

    def make(folder: Path, work: Work) -> None:
        work.run(*_GUEST_BUILD, "-o", folder / "coreos-cloudinit", ".", cwd=GUEST_SOURCE, env={"CGO_ENABLED": "0"})

    return Step(name="guest", make=make, inputs=(tree_digest(GUEST_SOURCE),))


def _module_folder(module: GoModule, path: str, work: Work) -> Path:
    lines: list[str] = []

    def keep(line: str) -> bool:
        lines.append(line)
        return False

    work.run("go", "mod", "download", "-json", path, cwd=module.folder, on_line=keep)
    answer = json.loads("\n".join(line for line in lines if not line.startswith("go: ")))
    return Path(answer["Dir"])
