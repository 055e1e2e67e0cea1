# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from local_cloud import host
from local_cloud.errors import LocalCloudError
from local_cloud.processes import run
from local_cloud.settings import Settings

if TYPE_CHECKING:
    from local_cloud.paths import CloudPaths

__all__ = ["stop"]

# Long enough for a machine to end its services in order; what takes longer is switched off.
_GRACE_S = 5.0


def stop(paths: CloudPaths, *, purge: bool) -> int:
    """Take the cloud off this machine, whatever state it is in; with `purge` forget it as well."""
    if not paths.home.exists() and not paths.claim.exists():
        print(f"there is no cloud {paths.name!r}")
        return 0
    _check_home(paths)
    paths.home.mkdir(parents=True, exist_ok=True)
    with host.exclusive(paths.lock, f"another command is at work on the cloud {paths.name!r}"):
        started_s = time.monotonic()
        settings = Settings.load(paths.settings)
        _stop(paths, settings, grace_s=0 if purge else _GRACE_S)
        paths.connection.unlink(missing_ok=True)
        if purge:
            _forget(paths)
    gone = "stopped and forgotten" if purge else "stopped; its droplets come back with the next start"
    print(f"cloud {paths.name!r} is {gone} ({time.monotonic() - started_s:.1f} s)")
    return 0


def _forget(paths: CloudPaths) -> None:
    """Delete the state folder: out of the way in one step, so that half of it is never taken for a cloud."""
    doomed = paths.home.with_name(f".{paths.name}.purged")
    for folder in (doomed, paths.home):
        if folder.exists():
            if folder != doomed:
                folder.rename(doomed)
            # Droplets full of container images are deleted faster by rm than by Python.
            run("rm", "-rf", "--one-file-system", str(doomed))


def _stop(paths: CloudPaths, settings: Settings | None, *, grace_s: float) -> None:
    if settings is not None and settings.driver == "paper":
        from local_cloud.teardown import stop_daemon

        stop_daemon(paths)
        return
    from local_cloud.teardown import remove_from_machine, stop_daemon

    host.check_root("local-cloud stop")
    stop_daemon(paths)
    remove_from_machine(
        paths,
        network_index=_network_index(paths, settings),
        grace_s=grace_s,
        out=lambda line: print(line, flush=True),
    )


def _network_index(paths: CloudPaths, settings: Settings | None) -> int | None:
    try:
        return int(json.loads(paths.claim.read_text())["index"])
    except (FileNotFoundError, ValueError):
        return settings.network_index if settings is not None and settings.network_index >= 0 else None


def _check_home(paths: CloudPaths) -> None:
    """Refuse to stop a cloud of the same name that another state folder owns."""
    try:
        home = json.loads(paths.claim.read_text())["home"]
    except (FileNotFoundError, ValueError):
        return
    if home != str(paths.home):
        raise LocalCloudError(
            f"the cloud {paths.name!r} that runs here keeps its state in {home}, not in {paths.home}: "
            "set LOCAL_CLOUD_HOME to the parent of that folder."
        )
