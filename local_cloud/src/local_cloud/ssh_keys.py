# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import TYPE_CHECKING, Any

from local_cloud.problems import not_found, unprocessable

if TYPE_CHECKING:
    import sqlite3

    from local_cloud.store import Store

__all__ = ["SshKeys", "md5_fingerprint"]

_TYPES = (
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-ed25519",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ssh-ed25519@openssh.com",
)


def md5_fingerprint(public_key: str) -> str:
    """The fingerprint by which the API knows a key, `aa:bb:...`. Raises the API's own errors for what is no key."""
    words = public_key.split()
    if len(words) < 2:
        raise unprocessable("Key invalid, key should be of the format `type key [comment]`")
    if words[0] not in _TYPES:
        supported = ", ".join(f"'{name}'" for name in _TYPES)
        raise unprocessable(f"Key invalid type, we support {supported}")
    try:
        blob = base64.b64decode(words[1], validate=True)
        length = struct.unpack(">I", blob[:4])[0]
    except (binascii.Error, struct.error) as error:
        raise _unreadable() from error
    if blob[4 : 4 + length] != words[0].encode():
        raise _unreadable()
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, 32, 2))


def _unreadable() -> Exception:
    return unprocessable("Fingerprint could not be generated, please make sure your key is valid")


class SshKeys:
    """The account's SSH keys: unique by key material, whatever their names."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[dict[str, Any]]:
        return [_to_api(row) for row in self._store.rows("SELECT * FROM ssh_keys ORDER BY id")]

    def create(self, name: object, public_key: object) -> dict[str, Any]:
        if not isinstance(name, str) or not name.strip():
            raise unprocessable("Name can't be blank")
        text = public_key.strip() if isinstance(public_key, str) else ""
        fingerprint = md5_fingerprint(text)
        with self._store.transaction() as db:
            if db.execute("SELECT 1 FROM ssh_keys WHERE fingerprint = ?", (fingerprint,)).fetchone():
                raise unprocessable("SSH Key is already in use on your account")
            db.execute(
                "INSERT INTO ssh_keys (name, public_key, fingerprint) VALUES (?, ?, ?)", (name, text, fingerprint)
            )
        return self.get(fingerprint)

    def get(self, identifier: str) -> dict[str, Any]:
        return _to_api(self._find(identifier))

    def rename(self, identifier: str, name: object) -> dict[str, Any]:
        if not isinstance(name, str) or not name.strip():
            raise unprocessable("Name can't be blank")
        row = self._find(identifier)
        with self._store.transaction() as db:
            db.execute("UPDATE ssh_keys SET name = ? WHERE id = ?", (name, row["id"]))
        return self.get(identifier)

    def delete(self, identifier: str) -> None:
        row = self._find(identifier)
        with self._store.transaction() as db:
            db.execute("DELETE FROM ssh_keys WHERE id = ?", (row["id"],))

    def public_keys(self, identifiers: object) -> tuple[str, ...]:
        """The key texts for a droplet's `ssh_keys`: numbers or MD5 fingerprints, nothing else."""
        if identifiers is None:
            return ()
        if not isinstance(identifiers, list):
            raise unprocessable("ssh_keys must be an array")
        rows = [self._lookup(str(identifier)) for identifier in identifiers]
        unknown = [str(identifier) for identifier, row in zip(identifiers, rows, strict=True) if row is None]
        if unknown:
            raise unprocessable(f"{', '.join(unknown)} are invalid key identifiers for Droplet creation.")
        return tuple(str(row["public_key"]) for row in rows if row is not None)

    def _find(self, identifier: str) -> sqlite3.Row:
        row = self._lookup(identifier)
        if row is None:
            raise not_found()
        return row

    def _lookup(self, identifier: str) -> sqlite3.Row | None:
        if identifier.isdigit():
            return self._store.row("SELECT * FROM ssh_keys WHERE id = ?", int(identifier))
        return self._store.row("SELECT * FROM ssh_keys WHERE fingerprint = ?", identifier.lower())


def _to_api(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "fingerprint": row["fingerprint"],
        "public_key": row["public_key"],
        "name": row["name"],
    }
