# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local_cloud import host, keys
from local_cloud.errors import LocalCloudError
from local_cloud.paths import cache_root
from local_cloud.processes import wait_until
from local_cloud.settings import Settings
from local_cloud.store import Store

if TYPE_CHECKING:
    from local_cloud.paths import CloudPaths
    from local_cloud.processes import ProcessId

__all__ = ["Wishes", "start"]

_NEEDED_GIB = 5
_TIMEOUT_S = 90.0
_DEFAULTS = Settings(
    name="", driver="nspawn", delays="none", network_index=-1, port=0, token="", droplet_limit=25, burst_limit=250
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line asks for; None leaves it as it was, or as it is by default."""

    driver: str | None
    delays: str | None
    port: int | None
    droplet_limit: int | None
    burst_limit: int | None

    def applied_to(self, settings: Settings) -> Settings:
        return replace(
            settings,
            driver=self.driver or settings.driver,
            delays=self.delays or settings.delays,
            port=self.port or settings.port,
            droplet_limit=settings.droplet_limit if self.droplet_limit is None else self.droplet_limit,
            burst_limit=settings.burst_limit if self.burst_limit is None else self.burst_limit,
        )


def start(paths: CloudPaths, wishes: Wishes) -> int:
    """Start the cloud and return when its API and its services answer."""
    _make_home(paths)
    with host.exclusive(paths.lock, f"another command is at work on the cloud {paths.name!r}"):
        recorded = Settings.load(paths.settings)
        daemon = host.daemon_of(paths)
        if daemon is not None and recorded is not None:
            _await_connection(paths, daemon)
            _say_running(recorded, wishes)
            return 0
        started_s = time.monotonic()
        settings = _settle(paths, recorded, wishes)
        keys.make_ssh_key(paths.ssh_key, f"local-cloud-{paths.name}")
        keys.make_certificate(paths.certificate, paths.certificate_key)
        settings.save(paths.settings)
        _run_daemon(paths, started_s)
        print(f"cloud {paths.name!r} is up after {time.monotonic() - started_s:.1f} s: API {settings.api_url}")
        print(f"addresses, token and SSH key: {paths.connection}")
    return 0


def _make_home(paths: CloudPaths) -> None:
    try:
        paths.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        paths.lock.touch(mode=0o600)
    except PermissionError as error:
        raise LocalCloudError(
            f"{paths.home} cannot be written to: {error.strerror}. Run as root, or set LOCAL_CLOUD_HOME to a folder of "
            "yours (enough for --driver paper)."
        ) from error


def _await_connection(paths: CloudPaths, daemon: ProcessId) -> None:
    """Wait for a daemon whose own start command has been interrupted."""

    def is_connected() -> bool:
        try:
            return bool(json.loads(paths.connection.read_text())["pid"] == daemon.pid)
        except (FileNotFoundError, ValueError):
            return not daemon.is_alive()

    if not is_connected():
        print(f"the daemon, process {daemon.pid}, is starting", flush=True)
    if not wait_until(is_connected, timeout_s=_TIMEOUT_S, pause_s=0.1) or not daemon.is_alive():
        raise LocalCloudError(f"the daemon did not become ready; its own words are in {paths.daemon_log}")


def _say_running(settings: Settings, wishes: Wishes) -> None:
    print(f"cloud {settings.name!r} is running: API {settings.api_url}")
    if wishes.applied_to(settings) != settings:
        print("it runs with the settings of its last start; stop it first to change them")


def _settle(paths: CloudPaths, recorded: Settings | None, wishes: Wishes) -> Settings:
    """Check that this machine has what the cloud needs, and fix its settings."""
    fresh = replace(_DEFAULTS, name=paths.name, token=f"dop_v1_{secrets.token_hex(32)}")
    settings = wishes.applied_to(recorded or fresh)
    if recorded is not None and recorded.driver != settings.driver and _droplet_count(paths):
        raise LocalCloudError(
            f"the cloud {paths.name!r} has {recorded.driver} droplets and cannot go on with the driver "
            f"{settings.driver}. Choose another --name, or `local-cloud stop --purge --name {paths.name}`."
        )
    for port in filter(None, (settings.port, settings.tls_port)):
        host.check_port(port)
    settings = replace(settings, port=settings.port or host.free_port(), tls_port=settings.tls_port or host.free_port())
    if settings.driver == "paper":
        return settings
    return _settle_machines(paths, settings)


def _settle_machines(paths: CloudPaths, settings: Settings) -> Settings:
    from local_cloud.build import artifacts

    host.check_root("local-cloud start")
    host.ensure_programs(lambda line: print(line, flush=True))
    artifacts(cache_root())
    host.check_disk(paths.home, _NEEDED_GIB, "a cloud")
    recorded = settings.network_index if settings.network_index >= 0 else None
    return replace(settings, network_index=host.claim_network(paths, recorded, has_droplets=_droplet_count(paths) > 0))


def _droplet_count(paths: CloudPaths) -> int:
    if not paths.database.exists():
        return 0
    store = Store.open(paths.database)
    try:
        return store.number("SELECT count(*) FROM droplets")
    finally:
        store.close()


def _run_daemon(paths: CloudPaths, started_s: float) -> None:
    """Start the daemon in a session of its own and pass on what it reports until it is ready."""
    from local_cloud.daemon_words import ERROR_MARK, READY

    reading, writing = os.pipe()
    with paths.daemon_log.open("ab") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "local_cloud.daemon", "--name", paths.name, "--report-to", str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            start_new_session=True,
            cwd="/",
        )
    # Written here and now, so that a start that comes after this one was killed finds the daemon while it still loads.
    host.record_daemon(paths, daemon.pid)
    os.close(writing)
    with os.fdopen(reading) as reports:
        for line in reports:
            line = line.rstrip("\n")
            if line == READY:
                return
            if line.startswith(ERROR_MARK):
                raise LocalCloudError(line.removeprefix(ERROR_MARK))
            print(f"{time.monotonic() - started_s:5.1f} s  {line}", flush=True)
    daemon.wait()
    tail = " / ".join(paths.daemon_log.read_text(errors="replace").splitlines()[-3:])
    raise LocalCloudError(f"the daemon ended with {daemon.returncode} before it was ready: {tail}")
