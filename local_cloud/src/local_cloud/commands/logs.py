# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from local_cloud import host
from local_cloud.commands.status import droplet_rows
from local_cloud.errors import LocalCloudError
from local_cloud.machine.cgroups import Cgroup
from local_cloud.machine.driver import leader_of
from local_cloud.services import SERVICE_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from local_cloud.paths import CloudPaths

__all__ = ["LOG_SUBJECTS", "find_droplet", "logs"]

LOG_SUBJECTS = ("daemon", "api", *SERVICE_NAMES)


def logs(paths: CloudPaths, subject: str, *, follow: bool) -> int:
    """Print a log to its end, or go on with `follow`. A droplet that is on shows its journal, else its last console."""
    if subject == "daemon":
        _tail(paths.daemon_log, follow=follow)
    elif subject == "api":
        if follow:
            _tail(paths.request_log, follow=True)
        _print_requests(paths.request_log)
    elif subject in SERVICE_NAMES:
        _tail(paths.services / f"{subject}.log", follow=follow)
    else:
        _show_droplet(paths, subject, follow=follow)
    return 0


def _tail(path: Path, *, follow: bool) -> None:
    if not path.exists():
        raise LocalCloudError(f"there is no {path}")
    os.execvp("tail", ["tail", "-n", "+1", *(["-F"] if follow else []), str(path)])


def _print_requests(path: Path) -> None:
    if not path.exists():
        raise LocalCloudError(f"there is no {path}")
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        query = f"?{entry['query']}" if entry["query"] else ""
        print(f"{entry['time']} {entry['status']} {entry['ms']:7.1f} ms {entry['method']:6} {entry['path']}{query}")


def _show_droplet(paths: CloudPaths, name: str, *, follow: bool) -> None:
    number = find_droplet(paths, name)
    leader = leader_of(Cgroup(f"{paths.cgroup}/droplet-{number}")) if host.daemon_of(paths) else None
    if leader is None:
        _tail(paths.machines / str(number) / "console.log", follow=follow)
        return
    journal = ["journalctl", "--no-pager", "-o", "short-precise", "-b", *(["-f", "--no-tail"] if follow else [])]
    os.execvp("nsenter", ["nsenter", "-t", str(leader.pid), "-a", *journal])


def find_droplet(paths: CloudPaths, name: str) -> int:
    """The number of the droplet with this name or number. Raises LocalCloudError with the names there are."""
    rows = droplet_rows(paths)
    found = [int(row["id"]) for row in rows if name in (row["name"], str(row["id"]))]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(map(str, found))
        raise LocalCloudError(f"{len(found)} droplets are called {name!r}: say which by number, {numbers}")
    known = ", ".join(row["name"] for row in rows) or "there is none"
    raise LocalCloudError(f"no droplet {name!r} in the cloud {paths.name!r}; droplets: {known}")
