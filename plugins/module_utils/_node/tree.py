# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring files on a node to a wanted state: one exchange to look, one to write what differs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._node.archive import (
    ArchiveError,
    File,
    pack,
    unpack_files,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection

__all__ = ["differing", "read_tree", "write_tree"]

# The names come on standard input. Files that are not there are simply not in the archive.
_READ = """set -eu
cd /
while IFS= read -r path; do [ ! -f "$path" ] || printf '%s\\n' "$path"; done | tar -chf - --no-recursion -T -
"""
# Each file is replaced in one step, so that a program that runs or a unit that is read is never half of it.
_WRITE = """set -eu
umask 022
mkdir -p /var/lib/flotilla
folder=$(mktemp -d /var/lib/flotilla/tree.XXXXXX)
trap 'rm -rf "$folder"' EXIT
tar -C "$folder" --no-same-owner -xpf -
cd "$folder"
find . -type f -printf '%P\\n' | while IFS= read -r path; do
  mkdir -p "/$(dirname "$path")"
  cp --preserve=mode "$path" "/$path.new"
  mv -T "/$path.new" "/$path"
done
"""


def read_tree(connection: NodeConnection, paths: Sequence[str]) -> Mapping[str, File]:
    """Return those of the files that are on the node, by path without its leading slash. Raises NodeError."""
    names = "".join(f"{path}\n" for path in paths).encode()
    result = connection.run_checked(f"sudo -n bash -c {shlex.quote(_READ)}", stdin=names, what="read its files")
    try:
        return unpack_files(result.stdout)
    except ArchiveError as error:
        raise NodeError(connection.name, f"its files cannot be read: {error}") from error


def differing(wanted: Sequence[File], current: Mapping[str, File]) -> list[File]:
    """Return the wanted files that are missing or whose content or mode is another."""
    return [file for file in wanted if current.get(file.path) != file]


def write_tree(connection: NodeConnection, files: Sequence[File]) -> None:
    """Write files on the node, each whole or not at all. Raises NodeError."""
    connection.run_checked(f"sudo -n bash -c {shlex.quote(_WRITE)}", stdin=pack(files), what="write its files")
