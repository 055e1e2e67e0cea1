# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from local_cloud import catalogue
from local_cloud.problems import not_found, not_implemented, unprocessable
from local_cloud.timestamps import rfc3339

if TYPE_CHECKING:
    import sqlite3

    from local_cloud.delays import Delays
    from local_cloud.store import Store

__all__ = ["POWER_ACTIONS", "TAG_ACTIONS", "Actions"]

POWER_ACTIONS = ("reboot", "power_cycle", "shutdown", "power_off", "power_on")
TAG_ACTIONS = ("power_cycle", "power_on", "power_off", "shutdown")
_UNEMULATED = (
    "enable_backups",
    "disable_backups",
    "change_backup_policy",
    "restore",
    "password_reset",
    "resize",
    "rebuild",
    "rename",
    "change_kernel",
    "enable_ipv6",
    "snapshot",
)


class Actions:
    """What was done to droplets, and what is being done: one thing at a time for each."""

    def __init__(self, store: Store, delays: Delays) -> None:
        self._store = store
        self._delays = delays

    def request(self, droplet: sqlite3.Row, kind: object) -> int:
        """Begin an action and return its number. Raises the API's 422 if something else is going on."""
        self._check(droplet, kind)
        now_s = time.time()
        with self._store.transaction() as db:
            cursor = db.execute(
                "INSERT INTO actions (droplet_id, type, status, region, started_at) VALUES (?, ?, 'in-progress', ?, ?)",
                (droplet["id"], kind, droplet["region"], now_s),
            )
            assert cursor.lastrowid is not None
            db.execute(
                "INSERT INTO events (due, droplet_id, action_id, kind) VALUES (?, ?, ?, 'act')",
                (now_s + self._delays.action_s, droplet["id"], cursor.lastrowid),
            )
            return cursor.lastrowid

    def _check(self, droplet: sqlite3.Row, kind: object) -> None:
        if kind in _UNEMULATED:
            raise not_implemented(f"the droplet action {kind!r}")
        if kind not in POWER_ACTIONS:
            raise unprocessable("The action type you specified is invalid.")
        pending = self._store.row(
            "SELECT 1 FROM actions WHERE droplet_id = ? AND status = 'in-progress'", droplet["id"]
        )
        if pending is not None or droplet["deleting"]:
            raise unprocessable("Droplet already has a pending event.")
        if kind == "power_on" and droplet["status"] == "active":
            raise unprocessable("Droplet is already powered on.")
        if kind in ("power_off", "shutdown") and droplet["status"] == "off":
            raise unprocessable("Droplet is already powered off.")
        if kind == "reboot" and droplet["status"] == "off":
            raise unprocessable("Droplet is currently powered off.")

    def get(self, number: int, *, droplet_id: int | None = None) -> dict[str, Any]:
        row = self._store.row("SELECT * FROM actions WHERE id = ?", number)
        if row is None or (droplet_id is not None and row["droplet_id"] != droplet_id):
            raise not_found()
        return _to_api(row)

    def count(self, *, droplet_id: int | None = None) -> int:
        if droplet_id is None:
            return self._store.number("SELECT count(*) FROM actions")
        return self._store.number("SELECT count(*) FROM actions WHERE droplet_id = ?", droplet_id)

    def page(self, *, offset: int, limit: int, droplet_id: int | None = None) -> list[dict[str, Any]]:
        """Newest first."""
        clause, values = ("", ()) if droplet_id is None else (" WHERE droplet_id = ?", (droplet_id,))
        rows = self._store.rows(
            f"SELECT * FROM actions{clause} ORDER BY id DESC LIMIT ? OFFSET ?", *values, limit, offset
        )
        return [_to_api(row) for row in rows]


def _to_api(row: sqlite3.Row) -> dict[str, Any]:
    region = catalogue.find_region(row["region"])
    assert region is not None
    return {
        "id": row["id"],
        "status": row["status"],
        "type": row["type"],
        "started_at": rfc3339(row["started_at"]),
        "completed_at": None if row["completed_at"] is None else rfc3339(row["completed_at"]),
        "resource_id": row["droplet_id"],
        "resource_type": "droplet",
        "region": region.to_api(),
        "region_slug": row["region"],
    }
