# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_cloud.problems import TagNameProblem, not_found, unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local_cloud.store import Store

__all__ = ["Tags"]

_NAME = re.compile(r"[a-zA-Z0-9_\-:]{1,255}")
# The schema says "imgages", the API "images"; both are served.
_KINDS = {
    "droplet": "droplets",
    "image": "images",
    "volume": "volumes",
    "volume_snapshot": "volume_snapshots",
    "database": "databases",
}


class Tags:
    """Tags, and what carries them. A tag outlives its resources, and is counted whether they exist or not."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def names(self) -> list[str]:
        return [str(row["name"]) for row in self._store.rows("SELECT name FROM tags ORDER BY name")]

    def create(self, name: object) -> str:
        """Make a tag or find the existing one."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise TagNameProblem(400, "bad_request", "invalid tag name: letters, numbers, colons, dashes, underscores")
        return self._fixed_case(name)

    def ensure_all(self, names: object) -> list[str]:
        """The tags of a droplet to be created: missing ones are made."""
        if names is None:
            return []
        if not isinstance(names, list) or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
            raise unprocessable("Tag names may only contain letters, numbers, colons, dashes and underscores.")
        return list(dict.fromkeys(self._fixed_case(name) for name in names))

    def require(self, name: str) -> str:
        if self._store.row("SELECT 1 FROM tags WHERE name = ?", name) is None:
            raise not_found()
        return name

    def delete(self, name: str) -> None:
        """Remove the tag from everything; the resources stay."""
        self.require(name)
        with self._store.transaction() as db:
            db.execute("DELETE FROM tagged WHERE tag = ?", (name,))
            db.execute("DELETE FROM tags WHERE name = ?", (name,))

    def tag(self, name: str, resources: Iterable[tuple[str, str]]) -> None:
        """Tag (kind, id) pairs. A resource that does not exist is accepted and counted, an unknown kind ignored."""
        with self._store.transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO tagged (tag, kind, resource_id) VALUES (?, ?, ?)",
                [(name, kind, number) for kind, number in resources if kind in _KINDS],
            )

    def untag(self, name: str, resources: Iterable[tuple[str, str]]) -> None:
        with self._store.transaction() as db:
            db.executemany(
                "DELETE FROM tagged WHERE tag = ? AND kind = ? AND resource_id = ?",
                [(name, kind, number) for kind, number in resources],
            )

    def to_api(self, name: str, url: str) -> dict[str, Any]:
        """One tag with its counts. `url` is the API's own address, for the links to tagged resources."""
        rows = self._store.rows(
            "SELECT kind, count(*) AS count, max(rowid) AS last FROM tagged WHERE tag = ? GROUP BY kind", name
        )
        counts = {row["kind"]: int(row["count"]) for row in rows}
        resources: dict[str, Any] = {"count": sum(counts.values())}
        for kind, key in _KINDS.items():
            resources[key] = {"count": counts.get(kind, 0)}
        if counts:
            newest = self._store.row("SELECT kind, resource_id FROM tagged WHERE tag = ? ORDER BY rowid DESC", name)
            assert newest is not None
            resources["last_tagged_uri"] = f"{url}{_KINDS[newest['kind']]}/{newest['resource_id']}"
            resources[_KINDS[newest["kind"]]]["last_tagged_uri"] = resources["last_tagged_uri"]
        resources["imgages"] = resources["images"]
        return {"name": name, "resources": resources}

    def _fixed_case(self, name: str) -> str:
        row = self._store.row("SELECT name FROM tags WHERE name = ? COLLATE NOCASE", name)
        if row is not None:
            return str(row["name"])
        with self._store.transaction() as db:
            db.execute("INSERT INTO tags (name) VALUES (?)", (name,))
        return name
