# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

__all__ = ["content_key", "tree_digest"]


def content_key(*parts: str) -> str:
    """The name of a result: equal parts give an equal key, and moving text from one part to the next does not."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(f"{len(data)}:".encode() + data)
    return digest.hexdigest()[:32]


def tree_digest(root: Path) -> str:
    """What lies at `root` (a file or a folder) as one hash: names, contents, links and the executable bit.

    Times, owners and other mode bits are left out, since a checkout does not keep them.
    """
    digest = hashlib.sha256()
    for path in _entries(root):
        digest.update(f"{path.relative_to(root)}\0{_kind(path)}\0".encode())
        digest.update(hashlib.sha256(_content(path)).digest())
    return digest.hexdigest()


def _entries(root: Path) -> list[Path]:
    if not root.is_dir():
        return [root]
    return sorted(path for path in root.rglob("*") if "__pycache__" not in path.parts)


def _kind(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return "folder"
    return "program" if mode & stat.S_IXUSR else "file"


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.readlink(path).encode()
    return b"" if path.is_dir() else path.read_bytes()
