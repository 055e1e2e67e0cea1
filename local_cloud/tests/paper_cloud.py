# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud without machines behind a real HTTP server, for the tests of the API and of its clients."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
import uvicorn

from local_cloud.account import Account
from local_cloud.addresses import AddressPlan
from local_cloud.api import build_app
from local_cloud.delays import DELAYS
from local_cloud.drivers import PaperDriver
from local_cloud.engine import Engine
from local_cloud.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from local_cloud.delays import Delays
    from local_cloud.drivers import Driver

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBD2cRNJRIQ5AhvvV8EaQFDJJM8FEn6SwiXk5lUB/MGM ops@example"
TOKEN = "dop_v1_" + "0" * 64


def eventually(probe: Callable[[], Any], *, timeout_s: float = 5.0) -> Any:
    """Poll until `probe` returns something true, and return that."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := probe()):
        assert time.monotonic() < deadline_s, f"still {value!r} after {timeout_s} s"
        time.sleep(0.01)
    return value


@dataclass(frozen=True)
class Cloud:
    """A cloud without machines behind a real HTTP server."""

    url: str
    app: ASGIApp
    account: Account
    engine: Engine

    def call(self, method: str, path: str, body: object = None, *, token: str = TOKEN) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=10)

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add_key(self) -> int:
        answer = self.call("POST", "account/keys", {"name": "ops", "public_key": PUBLIC_KEY})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["ssh_key"]["id"])

    def order(self, *names: str, **changes: Any) -> dict[str, Any]:
        """The body of a create request that is right in everything not changed."""
        named: dict[str, Any] = {"name": names[0]} if len(names) == 1 else {"names": list(names)}
        return {**named, "region": "fra1", "size": "s-2vcpu-4gb", "image": "debian-13-x64", **changes}

    def create(self, *names: str, **changes: Any) -> list[dict[str, Any]]:
        answer = self.call("POST", "droplets", self.order(*names, **changes))
        assert answer.status_code == 202, answer.text
        body = answer.json()
        return list(body["droplets"]) if "droplets" in body else [body["droplet"]]

    def create_active(self, *names: str, **changes: Any) -> list[dict[str, Any]]:
        """Create droplets and wait until nothing about them is pending."""
        numbers = [droplet["id"] for droplet in self.create(*names, **changes)]
        return [self.settle(number) for number in numbers]

    def settle(self, number: int) -> dict[str, Any]:
        eventually(lambda: all(a["status"] != "in-progress" for a in self.get(f"droplets/{number}/actions")["actions"]))
        droplet: dict[str, Any] = self.get(f"droplets/{number}")["droplet"]
        return droplet


@contextmanager
def running_cloud(
    path: Path, *, delays: Delays = DELAYS["none"], driver: Driver | None = None, **options: Any
) -> Iterator[Cloud]:
    """Run a cloud on a free port of the loopback interface."""
    store = Store.open(path)
    limit = options.pop("droplet_limit", 25)
    account = Account(store=store, plan=AddressPlan.for_paper(), delays=delays, token=TOKEN, droplet_limit=limit)
    engine = Engine(store, account.droplets, driver or PaperDriver(), delays)
    app = build_app(account, wake=engine.wake, burst_per_minute=options.pop("burst_per_minute", 0), **options)
    engine.start()
    try:
        with serving(app) as port:
            yield Cloud(f"http://127.0.0.1:{port}/v2/", app, account, engine)
    finally:
        engine.stop()
        store.close()


@contextmanager
def serving(app: ASGIApp, **options: Any) -> Iterator[int]:
    """Serve an application on a free port of the loopback interface, and give the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
