# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from local_cloud import host
from local_cloud.catalogue import SIZES
from local_cloud.errors import LocalCloudError
from local_cloud.machine.cgroups import Cgroup
from local_cloud.machine.driver import leader_of
from local_cloud.processes import ProcessId
from local_cloud.settings import Settings
from local_cloud.store import Store

if TYPE_CHECKING:
    import sqlite3

    from local_cloud.paths import CloudPaths

__all__ = ["droplet_rows", "status"]

_COLUMNS = ("NUMBER", "NAME", "STATUS", "SIZE", "PUBLIC", "PRIVATE", "MEMORY", "AGE")


def status(paths: CloudPaths) -> int:
    """Print a cloud; exit status 0 if it runs, 3 if it does not."""
    settings = Settings.load(paths.settings)
    if settings is None:
        raise LocalCloudError(f"there is no cloud {paths.name!r} in {paths.home.parent}; `local-cloud start` makes one")
    daemon = host.daemon_of(paths)
    state = f"running, process {daemon.pid}" if daemon else _without_daemon(paths)
    print(f"cloud {paths.name!r}: {state}; driver {settings.driver}, delays {settings.delays}")
    if daemon:
        print(f"API {settings.api_url}  connection {paths.connection}")
        _print_services(paths, settings)
    _print_droplets(paths)
    return 0 if daemon else 3


def _without_daemon(paths: CloudPaths) -> str:
    left = sum(1 for row in droplet_rows(paths) if leader_of(Cgroup(f"{paths.cgroup}/droplet-{row['id']}")))
    if not left:
        return "stopped"
    return f"its daemon is gone, {left} machines run on; `local-cloud start` takes them over, `stop` ends them"


def _print_services(paths: CloudPaths, settings: Settings) -> None:
    if settings.driver == "paper":
        return
    try:
        services = json.loads((paths.services / "services.json").read_text())
    except FileNotFoundError:
        services = {}
    words = []
    for name, entry in services.items():
        is_up = ProcessId(entry["pid"], entry["start_ticks"]).is_alive()
        again = f", restarted {entry['restarts']}x" if entry["restarts"] else ""
        words.append(f"{name} {'up' if is_up else 'DOWN'}{again}")
    used = Cgroup(f"{paths.cgroup}/services").memory_bytes()
    print(f"services at {settings.gateway}: {', '.join(words)}" + (f"; {used >> 20} MiB" if used else ""))


def _print_droplets(paths: CloudPaths) -> None:
    rows = droplet_rows(paths)
    if not rows:
        print("no droplets")
        return
    table = [_COLUMNS, *(_line(paths, row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(_COLUMNS))]
    for line in table:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def droplet_rows(paths: CloudPaths) -> list[sqlite3.Row]:
    if not paths.database.exists():
        return []
    store = Store(paths.database)
    try:
        return store.rows("SELECT * FROM droplets ORDER BY id")
    finally:
        store.close()


def _line(paths: CloudPaths, row: sqlite3.Row) -> tuple[str, ...]:
    limit_mib = next(size.memory_mib for size in SIZES if size.slug == row["size"])
    used = Cgroup(f"{paths.cgroup}/droplet-{row['id']}").memory_bytes()
    memory = f"{used >> 20}/{limit_mib} MiB" if used else "-"
    age_s = int(time.time() - row["created_at"])
    age = f"{age_s}s" if age_s < 120 else f"{age_s // 60}m" if age_s < 7200 else f"{age_s // 3600}h"
    state = "deleting" if row["deleting"] else str(row["status"])
    return (str(row["id"]), row["name"], state, row["size"], row["public_ip"], row["private_ip"], memory, age)
