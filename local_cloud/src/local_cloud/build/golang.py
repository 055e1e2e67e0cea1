# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_cloud.build.components import Component
from local_cloud.build.keys import tree_digest
from local_cloud.build.step import Work

__all__ = ["GoModule"]

# -trimpath and an empty build id: the same sources give the same bytes, wherever they are built.
_LINKER_FLAGS = "-s -w -buildid="
_STATIC_CGO_FLAGS = "-linkmode external -extldflags -static"
# What needs cgo is linked statically, so it resolves names and users in Go: libc does that only as a shared library.
_STATIC_CGO_TAGS = "netgo,osusergo"
_BUILD = ("go", "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false")
_VERSION_SUFFIX = re.compile(r"/v[0-9]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoModule:
    """A folder with a go.mod that pins everything that is built in it."""

    name: str
    folder: Path

    def inputs(self) -> tuple[str, ...]:
        return (tree_digest(self.folder), *_BUILD, _LINKER_FLAGS, _STATIC_CGO_FLAGS, _STATIC_CGO_TAGS)

    def build(self, components: Sequence[Component], programs: Path, work: Work) -> None:
        """Build the components' programs into the folder `programs`; nothing to do costs nothing."""
        packages = [package for component in components for package in component.packages.values()]
        if not packages:
            return
        total = self._count_needed(packages, work)
        compiled: list[str] = []
        work.watch(
            lambda: (
                f"{len(compiled)} packages compiled (of {total}, less those in Go's cache), "
                f"{len(list(programs.iterdir()))} of {len(packages)} programs linked"
            )
        )

        def see(line: str) -> bool:
            if is_package := " " not in line:
                compiled.append(line)
            return is_package

        for component in components:
            work.run(*_command(component, programs), cwd=self.folder, env=_environment(component), on_line=see)
            _rename(component, programs)

    def _count_needed(self, packages: Sequence[str], work: Work) -> int:
        """Download what the packages need and count all they are made of."""
        names: list[str] = []
        downloaded: list[str] = []
        work.watch(lambda: f"{len(downloaded)} modules downloaded")

        def see(line: str) -> bool:
            is_download = line.startswith("go: downloading ")
            (downloaded if is_download else names).append(line)
            return is_download or " " not in line

        work.run("go", "list", "-mod=readonly", "-deps", *packages, cwd=self.folder, on_line=see)
        return len(names)


def _command(component: Component, programs: Path) -> list[str]:
    stamps = [f"-X {name}={value}" for name, value in component.stamps.items()]
    cgo = [_STATIC_CGO_FLAGS] if component.needs_cgo else []
    tags = [f"-tags={_STATIC_CGO_TAGS}"] if component.needs_cgo else []
    linker = " ".join([_LINKER_FLAGS, *stamps, *cgo])
    return [*_BUILD, *tags, f"-ldflags={linker}", "-o", f"{programs}/", *component.packages.values()]


def _environment(component: Component) -> dict[str, str]:
    return {"CGO_ENABLED": "1" if component.needs_cgo else "0"}


def _rename(component: Component, programs: Path) -> None:
    """`go build` names a program after the last element of its package."""
    for program, package in component.packages.items():
        built = programs / _VERSION_SUFFIX.sub("", package).rsplit("/", 1)[-1]
        built.rename(programs / program)
