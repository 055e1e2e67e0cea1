# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes happen what the API has accepted: the life cycle of droplets, at the pace the cloud is set to."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from local_cloud.errors import MachineError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from local_cloud.delays import Delays
    from local_cloud.drivers import Driver, MachineSpec
    from local_cloud.droplets import Droplets
    from local_cloud.store import Store

__all__ = ["Engine"]

_log = logging.getLogger(__name__)
_RETRY_S = 2.0
# Machines boot side by side, but two cores gain nothing from more at once.
_WORKERS = 4
_QUEUE = 2 * _WORKERS
# What follows each step of a droplet's creation.
_NEXT = {"build": "place", "place": "activate", "activate": "address", "address": "finish"}


class Engine:
    def __init__(self, store: Store, droplets: Droplets, driver: Driver, delays: Delays) -> None:
        self._store = store
        self._droplets = droplets
        self._driver = driver
        self._delays = delays
        self._changed = threading.Condition()
        self._is_stopping = False
        self._stirred = False
        self._busy: set[int] = set()
        self._workers = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="droplet")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        driver.on_power_change(self._note_power)

    def start(self) -> None:
        """Take over the machines of an earlier run, then begin."""
        for row in self._store.rows(
            "SELECT * FROM droplets WHERE status != 'off' AND NOT deleting"
            " AND id NOT IN (SELECT droplet_id FROM events WHERE kind = 'build')"
        ):
            self._busy.add(int(row["id"]))
            self._workers.submit(self._resume, row)
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def wake(self) -> None:
        """Say that there is something new to do."""
        with self._changed:
            self._stirred = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._is_stopping:
                    return
                self._stirred = False
                busy = set(self._busy)
            pause_s = self._dispatch(busy)
            with self._changed:
                if not self._stirred and not self._is_stopping:
                    self._changed.wait(pause_s)

    def _dispatch(self, busy: set[int]) -> float | None:
        """Hand every due event of an idle droplet to a worker; return the seconds until the next one is due."""
        now_s = time.time()
        # Among this many there is one of an idle droplet, or all workers have enough to do.
        for event in self._store.rows("SELECT * FROM events ORDER BY due, id LIMIT ?", 4 * _QUEUE):
            if len(busy) >= _QUEUE:
                return None
            if event["droplet_id"] in busy:
                continue
            if event["due"] > now_s:
                return float(event["due"]) - now_s
            busy.add(event["droplet_id"])
            with self._changed:
                self._busy.add(event["droplet_id"])
            self._workers.submit(self._perform, event)
        return None

    def _perform(self, event: sqlite3.Row) -> None:
        try:
            self._perform_all_due(event)
        except Exception:
            _log.exception("event %s of droplet %s failed and is tried again", event["kind"], event["droplet_id"])
            self._postpone(event)
        finally:
            self._release(event["droplet_id"])

    def _perform_all_due(self, event: sqlite3.Row | None) -> None:
        while event is not None and event["due"] <= time.time():
            steps = {"build": self._build, "act": self._act, "destroy": self._destroy, "vanish": self._vanish}
            steps.get(event["kind"], self._advance)(event)
            event = self._store.row("SELECT * FROM events WHERE droplet_id = ? ORDER BY due, id", event["droplet_id"])

    def _postpone(self, event: sqlite3.Row) -> None:
        with self._store.transaction() as db:
            db.execute("UPDATE events SET due = ? WHERE id = ?", (time.time() + _RETRY_S, event["id"]))

    def _release(self, droplet_id: int) -> None:
        with self._changed:
            self._busy.discard(droplet_id)
            self._stirred = True
            self._changed.notify_all()

    def _resume(self, row: sqlite3.Row) -> None:
        try:
            self._driver.resume(self._droplets.machine(row))
        except MachineError as error:
            _log.error("droplet %s (%s) did not come back: %s", row["name"], row["id"], error)
            self._note_power(int(row["id"]), False)
        finally:
            self._release(int(row["id"]))

    def _build(self, event: sqlite3.Row) -> None:
        row = self._row(event)
        try:
            self._driver.launch(self._droplets.machine(row))
        except MachineError as error:
            _log.error("droplet %s (%s) could not be created: %s", row["name"], row["id"], error)
            self._give_up(event)
            return
        self._follow(event, {})

    def _give_up(self, event: sqlite3.Row) -> None:
        """A create that fails leaves an action that says so, and no droplet."""
        self._driver.destroy(event["droplet_id"])
        with self._store.transaction() as db:
            self._end_action(db, event, "errored")
            self._forget(db, event["droplet_id"])

    def _advance(self, event: sqlite3.Row) -> None:
        effects: dict[str, dict[str, object]] = {
            "place": {"placed": 1},
            "activate": {"status": "active"},
            "address": {"addressed": 1},
        }
        self._follow(event, effects.get(event["kind"], {}))

    def _follow(self, event: sqlite3.Row, effects: dict[str, object]) -> None:
        """Record a step of the creation and set down when the next one is due."""
        row = self._row(event)
        with self._store.transaction() as db:
            for column, value in effects.items():
                db.execute(f"UPDATE droplets SET {column} = ? WHERE id = ?", (value, row["id"]))
            # The droplet may have been deleted meanwhile, which took this event away and set down its own.
            if not db.execute("DELETE FROM events WHERE id = ?", (event["id"],)).rowcount:
                return
            following = _NEXT.get(event["kind"])
            if following is None:
                self._end_action(db, event, "completed")
                return
            db.execute(
                "INSERT INTO events (due, droplet_id, action_id, kind) VALUES (?, ?, ?, ?)",
                (self._due_s(row, following), row["id"], event["action_id"], following),
            )

    def _due_s(self, row: sqlite3.Row, step: str) -> float:
        after_s = {"place": self._delays.place_s, "activate": self._delays.active_s}.get(step)
        if after_s is None:
            after_s = self._delays.active_s + self._delays.addresses_after_active_s(row["id"])
        return float(row["created_at"]) + after_s

    def _act(self, event: sqlite3.Row) -> None:
        row = self._row(event)
        action = self._store.row("SELECT type FROM actions WHERE id = ?", event["action_id"])
        assert action is not None
        calls: dict[str, Callable[[MachineSpec], bool | None]] = {
            "reboot": self._driver.reboot,
            "shutdown": self._driver.shut_down,
            "power_off": self._driver.power_off,
            "power_on": self._driver.launch,
            "power_cycle": self._driver.power_cycle,
        }
        outcome, status = "completed", "off" if action["type"] == "power_off" else "active"
        try:
            is_off = calls[action["type"]](self._droplets.machine(row))
            if action["type"] == "shutdown" and is_off:
                status = "off"
        except MachineError as error:
            _log.error("%s of droplet %s (%s) failed: %s", action["type"], row["name"], row["id"], error)
            outcome = "errored"
        with self._store.transaction() as db:
            self._end_action(db, event, outcome)
            if outcome == "completed":
                db.execute("UPDATE droplets SET status = ? WHERE id = ?", (status, row["id"]))

    def _destroy(self, event: sqlite3.Row) -> None:
        self._driver.destroy(event["droplet_id"])
        with self._store.transaction() as db:
            db.execute("DELETE FROM events WHERE id = ?", (event["id"],))
            db.execute(
                "INSERT INTO events (due, droplet_id, kind) VALUES (?, ?, 'vanish')",
                (float(event["due"]) + self._delays.delete_s, event["droplet_id"]),
            )

    def _vanish(self, event: sqlite3.Row) -> None:
        with self._store.transaction() as db:
            self._forget(db, event["droplet_id"])

    def _row(self, event: sqlite3.Row) -> sqlite3.Row:
        return self._droplets.find(event["droplet_id"])

    def _end_action(self, db: sqlite3.Connection, event: sqlite3.Row, status: str) -> None:
        db.execute(
            "UPDATE actions SET status = ?, completed_at = ? WHERE id = ? AND status = 'in-progress'",
            (status, time.time(), event["action_id"]),
        )
        db.execute("DELETE FROM events WHERE id = ?", (event["id"],))

    def _forget(self, db: sqlite3.Connection, droplet_id: int) -> None:
        db.execute("DELETE FROM droplets WHERE id = ?", (droplet_id,))
        db.execute("DELETE FROM events WHERE droplet_id = ?", (droplet_id,))
        db.execute("DELETE FROM tagged WHERE kind = 'droplet' AND resource_id = ?", (str(droplet_id),))

    def _note_power(self, droplet_id: int, is_on: bool) -> None:
        """A machine went on or off by itself: the record follows, unless it is still being created or removed."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE droplets SET status = ? WHERE id = ? AND status != 'new' AND NOT deleting",
                ("active" if is_on else "off", droplet_id),
            )
