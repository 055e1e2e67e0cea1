# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Store"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS droplets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    region TEXT NOT NULL,
    size TEXT NOT NULL,
    image_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    user_data TEXT,
    public_keys TEXT NOT NULL,
    monitoring INTEGER NOT NULL,
    vpc_id TEXT NOT NULL,
    placed INTEGER NOT NULL DEFAULT 0,
    addressed INTEGER NOT NULL DEFAULT 0,
    deleting INTEGER NOT NULL DEFAULT 0,
    public_ip TEXT NOT NULL UNIQUE,
    private_ip TEXT NOT NULL UNIQUE
);
CREATE INDEX IF NOT EXISTS droplets_by_name ON droplets (name COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    droplet_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    region TEXT NOT NULL,
    started_at REAL NOT NULL,
    completed_at REAL
);
CREATE INDEX IF NOT EXISTS actions_by_droplet ON actions (droplet_id);
CREATE INDEX IF NOT EXISTS pending_actions ON actions (droplet_id) WHERE status = 'in-progress';
-- What is still to happen, and when: survives a restart of the cloud.
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    due REAL NOT NULL,
    droplet_id INTEGER NOT NULL,
    action_id INTEGER,
    kind TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_due ON events (due, id);
CREATE TABLE IF NOT EXISTS tags (name TEXT PRIMARY KEY);
-- The API counts tagged resources without looking whether they exist, so this refers to nothing.
CREATE TABLE IF NOT EXISTS tagged (
    tag TEXT NOT NULL,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    UNIQUE (tag, kind, resource_id)
);
CREATE INDEX IF NOT EXISTS tagged_by_resource ON tagged (kind, resource_id);
CREATE TABLE IF NOT EXISTS ssh_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS vpcs (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    ip_range TEXT NOT NULL,
    created_at REAL NOT NULL
);
"""
# Numbers start where the live ones stand; action numbers do not fit 32 bits.
_FIRST_NUMBERS = {"droplets": 606_000_000, "actions": 3_447_000_000, "ssh_keys": 51_000_000}


class Store:
    """The cloud's memory: one SQLite file, one connection, one writer at a time."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """Open or make the file."""
        store = cls(path)
        store._db.execute("PRAGMA journal_mode=WAL")
        # A power cut may cost the last requests, never the file; a killed daemon costs nothing.
        store._db.execute("PRAGMA synchronous=NORMAL")
        store._db.executescript(_SCHEMA)
        for table, number in _FIRST_NUMBERS.items():
            store._db.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? WHERE NOT EXISTS"
                " (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
                (table, number, table),
            )
        return store

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. May be nested: the outermost decides."""
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        with self._lock:
            row: sqlite3.Row | None = self._db.execute(query, values).fetchone()
            return row

    def number(self, query: str, *values: object) -> int:
        """The single integer that the query answers."""
        row = self.row(query, *values)
        return int(row[0]) if row is not None and row[0] is not None else 0

    def close(self) -> None:
        with self._lock:
            self._db.close()
