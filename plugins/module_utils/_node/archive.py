# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tar archives in memory: many files in one SSH exchange."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ArchiveError", "File", "pack", "unpack", "unpack_files"]

MAX_FILES = 1000
MAX_BYTES = 8 * 1024 * 1024


class ArchiveError(CollectionError):
    """What a node sent is no archive that we are willing to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file to pack: a relative path, its bytes and its permission bits."""

    path: str
    content: bytes
    mode: int = 0o644


def pack(files: Iterable[File]) -> bytes:
    """Return a tar archive of the files, owned by root, without times: the same files give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in sorted(files, key=lambda file: file.path):
            _check_path(file.path)
            entry = tarfile.TarInfo(file.path)
            entry.size, entry.mode = len(file.content), file.mode
            entry.uname = entry.gname = "root"
            archive.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()


def unpack(data: bytes) -> Mapping[str, bytes]:
    """Return the contents of the archive's files by path. Raises ArchiveError."""
    return {path: file.content for path, file in unpack_files(data).items()}


def unpack_files(data: bytes) -> Mapping[str, File]:
    """Return the archive's files by path, in memory.

    The sender is not trusted: links, devices, paths that lead out and anything beyond MAX_BYTES are refused.
    Raises ArchiveError.
    """
    files: dict[str, File] = {}
    left = MAX_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                if entry.isdir():
                    continue
                path = entry.name.removeprefix("./")
                _check_path(path)
                left -= entry.size
                if not entry.isreg() or left < 0 or len(files) >= MAX_FILES:
                    raise ArchiveError(f"the archive holds {path}, which is no plain file or makes it too large")
                content = archive.extractfile(entry)
                files[path] = File(path=path, content=content.read() if content else b"", mode=entry.mode & 0o7777)
    except tarfile.TarError as error:
        raise ArchiveError(f"{len(data)} bytes that are no tar archive ({error})") from error
    return files


def _check_path(path: str) -> None:
    if not path or path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise ArchiveError(f"the archive's path {path!r} leads out of its folder")
