# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path

from local_cloud.build.components import Component
from local_cloud.build.errors import BuildError
from local_cloud.build.golang import GoModule
from local_cloud.build.step import Step, Work
from local_cloud.build.upstream import Release, download, published_checksum

__all__ = ["binaries_step"]


def binaries_step(module: GoModule, components: Sequence[Component], *, disk_gib: float) -> Step:
    """A step whose result has bin/PROGRAM for every program, and downloads/HOST/PATH for what upstream published."""

    def make(folder: Path, work: Work) -> None:
        (folder / "bin").mkdir()
        to_build = [component for component in components if not _fetch(component, folder, work)]
        module.build(to_build, folder / "bin", work)

    return Step(name=module.name, make=make, inputs=(*module.inputs(), *map(repr, components)), disk_gib=disk_gib)


def _fetch(component: Component, folder: Path, work: Work) -> bool:
    """Take the component from upstream; False if its publisher cannot be reached or names no checksum."""
    work.note(f"asking upstream for {component.name}")
    for release in component.releases:
        sha256 = published_checksum(release)
        if sha256 is None:
            return False
        path = folder / "downloads" / release.mirror_path
        download(release, sha256, path, work.note)
        _unpack(release, path, folder / "bin")
    return bool(component.releases)


def _unpack(release: Release, path: Path, programs: Path) -> None:
    if not release.programs:
        _install(path.read_bytes(), programs / release.file_name)
        return
    with tarfile.open(path) as archive:
        for program, member in release.programs.items():
            try:
                content = archive.extractfile(member)
            except KeyError:
                content = None
            if content is None:
                raise BuildError(f"{release.url} has no file {member}.")
            _install(content.read(), programs / program)


def _install(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    path.chmod(0o755)
