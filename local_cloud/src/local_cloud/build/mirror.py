# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud.build.components import etcd, kubernetes_family
from local_cloud.build.step import Step, Work
from local_cloud.build.versions import module_version

__all__ = ["MirrorFile", "mirror_files", "mirror_step", "pack"]

_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorFile:
    """A file of the mirror, made of the programs of a step; `checksums` is the publisher's checksum file, if any.

    `members` maps a member of the archive to a program; empty if the file is the one `program`.
    """

    path: str
    step: str
    program: str = ""
    members: Mapping[str, str] = field(default_factory=dict)
    checksums: str = ""

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def mirror_files() -> tuple[MirrorFile, ...]:
    """Everything that a node fetches, each at the host and path where upstream publishes it."""
    kubernetes, _, cni, *_ = kubernetes_family()
    flannel = module_version("flannel")
    binaries = [
        MirrorFile(path=release.mirror_path, step="kubernetes", program=release.file_name)
        for release in kubernetes.releases
        if release.file_name in ("kubectl", "kubelet")
    ]
    archives = [
        MirrorFile(
            path=release.mirror_path,
            step=step,
            members={member: program for program, member in release.programs.items()},
            checksums=release.checksum_url.split("://", 1)[1],
        )
        for step, release in (("etcd", etcd().releases[0]), ("kubernetes", cni.releases[0]))
    ]
    flanneld = MirrorFile(
        path=f"github.com/flannel-io/flannel/releases/download/v{flannel}/flanneld-amd64",
        step="flannel",
        program="flanneld",
    )
    return (*binaries, *archives, flanneld)


def mirror_step() -> Step:
    """A folder to serve over HTTP, in the layout of the upstream URLs, with checksums beside the files."""
    return Step(
        name="mirror", make=_make, inputs=tuple(map(repr, mirror_files())), needs=("kubernetes", "etcd", "flannel")
    )


def _make(folder: Path, work: Work) -> None:
    for file in mirror_files():
        work.note(file.name)
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        _place(file, target, work.result(file.step))
        _write_checksums(file, target, folder)


def _place(file: MirrorFile, target: Path, result: Path) -> None:
    """Upstream's own file if that was fetched, else the same made of the programs that were built."""
    original = result / "downloads" / file.path
    if original.exists():
        os.link(original, target)
    elif file.members:
        pack({member: result / "bin" / program for member, program in file.members.items()}, target)
    else:
        os.link(result / "bin" / file.program, target)


def pack(members: Mapping[str, Path], target: Path) -> None:
    """Write a .tar.gz of programs; equal programs give equal bytes."""
    with (
        target.open("wb") as out,
        gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for member, source in members.items():
            entry = tarfile.TarInfo(member)
            entry.mode = 0o755
            content = source.read_bytes()
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def _write_checksums(file: MirrorFile, target: Path, folder: Path) -> None:
    with target.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    target.with_name(f"{target.name}.sha256").write_text(f"{sha256}\n")
    if file.checksums:
        (folder / file.checksums).write_text(f"{sha256}  {file.name}\n")
