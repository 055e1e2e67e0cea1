# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import re
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from local_cloud.build.errors import BuildError, ChecksumError

__all__ = ["Release", "download", "published_checksum"]

_PROBE_TIMEOUT_S = 3.0
_STALL_TIMEOUT_S = 60.0
_CHUNK_BYTES = 1 << 20
_MIB = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A file that a project publishes together with its SHA-256.

    `programs` maps a program's name to its member in the archive; empty if the file itself is the program.
    """

    url: str
    checksum_url: str
    programs: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    @property
    def mirror_path(self) -> str:
        """Where the file lies in the mirror: host and path of its URL."""
        return self.url.split("://", 1)[1]


def published_checksum(release: Release, *, timeout_s: float = _PROBE_TIMEOUT_S) -> str | None:
    """The SHA-256 that the publisher names for the file; None if it cannot be reached or names none.

    Reads a bare hash as well as lines of `hash  name`.
    """
    try:
        with urllib.request.urlopen(release.checksum_url, timeout=timeout_s) as answer:
            text = bytes(answer.read(_MIB)).decode(errors="replace")
    except (OSError, HTTPException, ValueError):
        return None
    for line in text.splitlines():
        words = line.split()
        if words and _SHA256.fullmatch(words[0]) and (len(words) == 1 or _is_named(words[-1], release)):
            return words[0]
    return None


def _is_named(word: str, release: Release) -> bool:
    return word.lstrip("*").rsplit("/", 1)[-1] == release.file_name


def download(release: Release, sha256: str, target: Path, note: Callable[[str], None]) -> None:
    """Fetch the file to `target`. Raises ChecksumError, and keeps nothing, if its SHA-256 is another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        actual = _fetch(release, target, note)
    except (OSError, HTTPException) as error:
        target.unlink(missing_ok=True)
        raise BuildError(f"Could not download {release.url}: {error}. Run the build again to retry.") from error
    if actual != sha256:
        target.unlink()
        raise ChecksumError(
            f"{release.url} has the SHA-256 {actual}, but {release.checksum_url} names {sha256}. It was not kept; "
            "run the build again, and if it stays so, do not trust the file."
        )


def _fetch(release: Release, target: Path, note: Callable[[str], None]) -> str:
    digest, received = hashlib.sha256(), 0
    with urllib.request.urlopen(release.url, timeout=_STALL_TIMEOUT_S) as answer, target.open("wb") as out:
        while chunk := answer.read(_CHUNK_BYTES):
            out.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            note(f"{release.file_name}: {received // _MIB} MiB received")
    return digest.hexdigest()
