# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one process behind a cloud: API, engine, metadata service, and the supervisor of machines and services.

It is started by `local-cloud start`, reports its progress line by line on the file descriptor given, and stays. Killed
at any moment it leaves the machines running; the next one takes them over.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from local_cloud.account import Account
from local_cloud.addresses import AddressPlan
from local_cloud.api import build_app
from local_cloud.daemon_words import ERROR_MARK, READY
from local_cloud.delays import DELAYS
from local_cloud.drivers import PaperDriver
from local_cloud.engine import Engine
from local_cloud.errors import LocalCloudError
from local_cloud.paths import CloudPaths
from local_cloud.settings import Settings, write_private
from local_cloud.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

    from local_cloud.drivers import Driver

__all__ = ["main"]

_log = logging.getLogger(__name__)
_SERVICES_TIMEOUT_S = 60.0


class _Server(uvicorn.Server):
    """Leaves signals alone: two servers run side by side, and the daemon itself decides when they end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class _Listening:
    """An application, the socket it answers on, and whether it does so with the cloud's certificate."""

    app: ASGIApp
    listener: socket.socket
    is_tls: bool = False


class Reporter:
    """Says to the waiting `local-cloud start` how far things are; silent once that has gone."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    def say(self, line: str) -> None:
        _log.info("%s", line)
        if self._handle is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._handle, (" ".join(line.split()) + "\n").encode())

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def main() -> int:
    parser = argparse.ArgumentParser(prog="local_cloud.daemon")
    parser.add_argument("--name", required=True)
    parser.add_argument("--report-to", type=int, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    reporter = Reporter(arguments.report_to)
    paths = CloudPaths.of(arguments.name)
    try:
        settings = Settings.load(paths.settings)
        if settings is None:
            raise LocalCloudError(f"{paths.settings} is missing; `local-cloud start` writes it")
        asyncio.run(_serve(paths, settings, reporter))
    except LocalCloudError as error:
        reporter.say(f"{ERROR_MARK}{error}")
        return 1
    except Exception as error:
        _log.exception("the daemon ended")
        reporter.say(f"{ERROR_MARK}{type(error).__name__}: {error}; the whole story is in {paths.daemon_log}")
        return 1
    return 0


async def _serve(paths: CloudPaths, settings: Settings, reporter: Reporter) -> None:
    listener = socket.create_server(("127.0.0.1", settings.port), backlog=512)
    tls_listener = socket.create_server(("127.0.0.1", settings.tls_port), backlog=512)
    store = Store.open(paths.database)
    machines = None if settings.driver == "paper" else _prepare_machines(paths, settings, reporter)
    account = Account(
        store=store,
        plan=AddressPlan.for_machines(settings.network_index) if machines else AddressPlan.for_paper(),
        delays=DELAYS[settings.delays],
        token=settings.token,
        droplet_limit=settings.droplet_limit,
        bootable=(lambda image: image.slug == "flatcar-stable") if machines else (lambda image: True),
    )
    driver: Driver = machines.driver if machines else PaperDriver()
    engine = Engine(store, account.droplets, driver, DELAYS[settings.delays])
    app = build_app(account, wake=engine.wake, burst_per_minute=settings.burst_limit, request_log=paths.request_log)
    servers = [_Listening(app, listener), _Listening(app, tls_listener, is_tls=True)]
    if machines:
        servers.append(_Listening(_metadata(account), machines.metadata_listener))
    try:
        engine.start()
        if machines:
            await asyncio.to_thread(machines.wait_ready)
        await _run(paths, servers, lambda: _announce(paths, settings, reporter))
    finally:
        paths.daemon_record.unlink(missing_ok=True)
        engine.stop()
        if machines:
            machines.stop()
        store.close()


def _metadata(account: Account) -> ASGIApp:
    from local_cloud.metadata import build_metadata_app

    return build_metadata_app(account)


@dataclass(frozen=True, slots=True)
class _Machines:
    """Everything that only a cloud with real machines has."""

    driver: Driver
    metadata_listener: socket.socket
    wait_ready: Callable[[], None]
    stop: Callable[[], None]


def _prepare_machines(paths: CloudPaths, settings: Settings, reporter: Reporter) -> _Machines:
    from local_cloud.build import artifacts
    from local_cloud.machine import NspawnDriver
    from local_cloud.machine.network import METADATA_ADDRESS, CloudNetwork, listen_inside
    from local_cloud.paths import cache_root
    from local_cloud.services import ServiceRoots, Services

    built = artifacts(cache_root())
    network = CloudNetwork(paths.namespace, settings.network_index)
    reporter.say(f"network {paths.namespace}: 198.18.{settings.network_index}.0/24")
    network.create()
    services = Services(
        paths, network, ServiceRoots(services=built.services, mirror=built.mirror, registry=built.registry)
    )
    services.start()
    listener = listen_inside(network.path(), METADATA_ADDRESS, 80)

    def wait_ready() -> None:
        reporter.say("services: mirror, registry, discovery, name server")
        services.wait_ready(_SERVICES_TIMEOUT_S)

    return _Machines(NspawnDriver(paths, network, built.image), listener, wait_ready, services.stop)


def _announce(paths: CloudPaths, settings: Settings, reporter: Reporter) -> None:
    """Write down how to reach the cloud, now that it can be reached, and say so."""
    connection: dict[str, object] = {
        "name": settings.name,
        "api_url": settings.api_url,
        # For clients that refuse to send a token without TLS, such as pydo: with this certificate as their only CA.
        "tls_api_url": settings.tls_api_url,
        "tls_certificate": str(paths.certificate),
        "token": settings.token,
        "region": "fra1",
        "image": "flatcar-stable",
        "ssh_private_key": str(paths.ssh_key),
        "ssh_public_key": str(paths.ssh_key.with_suffix(".pub")),
        "pid": os.getpid(),
    }
    if settings.driver != "paper":
        connection |= {
            "discovery_url": f"http://{settings.gateway}:8087",
            "artifact_mirror": f"http://{settings.gateway}",
            "registry_mirror": f"http://{settings.gateway}:5000",
            "nameserver": settings.gateway,
        }
    write_private(paths.connection, json.dumps(connection, indent=2) + "\n")
    reporter.say(READY)
    reporter.close()


def _configuration(paths: CloudPaths, server: _Listening) -> uvicorn.Config:
    return uvicorn.Config(
        server.app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        # Longer than a client's pause between two polls: a connection closed under its hands looks like an outage.
        timeout_keep_alive=75,
        ssl_certfile=paths.certificate if server.is_tls else None,
        ssl_keyfile=paths.certificate_key if server.is_tls else None,
    )


async def _run(paths: CloudPaths, servers: list[_Listening], announce: Callable[[], None]) -> None:
    """Serve until told to end by SIGTERM or SIGINT, or until one server fails."""
    running = [_Server(_configuration(paths, server)) for server in servers]
    tasks = [
        asyncio.create_task(server.serve(sockets=[s.listener])) for server, s in zip(running, servers, strict=True)
    ]

    def end() -> None:
        for server in running:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    while not all(server.started for server in running) and not any(task.done() for task in tasks):
        await asyncio.sleep(0.01)
    announce()
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    end()
    for server in running:
        server.force_exit = True
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    sys.exit(main())
