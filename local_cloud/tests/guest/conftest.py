# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud of real machines, and a droplet as an operator meets it: by the API and by SSH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "guesttest"
BOOT_TIMEOUT_S = 60.0
SSH_OPTIONS = (
    "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    "-o", "BatchMode=yes", "-o", "ConnectTimeout=2",
)  # fmt: skip


def eventually(probe: Callable[[], Any], what: str) -> Any:
    """Poll until `probe` returns something true, and return that."""
    deadline_s = time.monotonic() + BOOT_TIMEOUT_S
    while not (value := probe()):
        assert time.monotonic() < deadline_s, f"{what}: still {value!r} after {BOOT_TIMEOUT_S:.0f} s"
        time.sleep(0.1)
    return value


@dataclass(frozen=True)
class Cloud:
    """A running cloud with one SSH key in its account."""

    api_url: str
    token: str
    private_key: str
    key_id: int

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = requests.request(
            method, self.api_url + path, json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=10
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


@dataclass(frozen=True)
class Machine:
    """One droplet of the cloud."""

    cloud: Cloud
    id: int
    public_ipv4: str
    private_ipv4: str

    @property
    def environment(self) -> str:
        """What a cloud-config leaves in /etc/environment."""
        return f"COREOS_PRIVATE_IPV4={self.private_ipv4}\nCOREOS_PUBLIC_IPV4={self.public_ipv4}\n"

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ssh", *SSH_OPTIONS, "-i", self.cloud.private_key, f"core@{self.public_ipv4}", command],
            check=False, capture_output=True, text=True, timeout=BOOT_TIMEOUT_S,
        )  # fmt: skip

    def output(self, command: str) -> str:
        """What a command prints, as root, whatever its status."""
        return self.ssh(f"sudo bash -c {json.dumps(command.replace('$', chr(92) + '$'))}").stdout

    def await_boot(self, *, after: str = "") -> str:
        """Wait until a boot other than `after` is complete, and return its id."""

        def booted() -> str:
            boot = self.ssh("cat /proc/sys/kernel/random/boot_id; systemctl is-system-running --wait").stdout.split()
            return boot[0] if len(boot) == 2 and boot[0] != after else ""

        return str(eventually(booted, "boot"))

    def reboot(self, boot: str) -> str:
        self.cloud.request("POST", f"droplets/{self.id}/actions", {"type": "reboot"})
        return self.await_boot(after=boot)


def _local_cloud(home: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "local_cloud", *arguments, "--name", NAME],
        check=True, env={**os.environ, "LOCAL_CLOUD_HOME": str(home)}, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("clouds")
    try:
        _local_cloud(home, "start", "--delays", "none", "--burst-limit", "0")
        connection = json.loads((home / NAME / "connection.json").read_text())
        unready = Cloud(connection["api_url"], connection["token"], connection["ssh_private_key"], 0)
        public_key = Path(connection["ssh_public_key"]).read_text()
        key = unready.request("POST", "account/keys", {"name": "tests", "public_key": public_key})["ssh_key"]
        yield Cloud(unready.api_url, unready.token, unready.private_key, key["id"])
    finally:
        _local_cloud(home, "stop", "--purge")


@pytest.fixture
def droplet(cloud: Cloud) -> Iterator[Callable[[str], Machine]]:
    """Make a droplet with a cloud-config (its first line is added) and wait for it to boot."""
    made: list[int] = []

    def make(document: str) -> Machine:
        body = {
            "name": "web-01.example.test", "region": "fra1", "size": "s-1vcpu-1gb", "image": "flatcar-stable",
            "ssh_keys": [cloud.key_id], "user_data": f"#cloud-config\n{document}\n",
        }  # fmt: skip
        identity = cloud.request("POST", "droplets", body)["droplet"]["id"]
        made.append(identity)

        def active() -> Any:
            droplet = cloud.request("GET", f"droplets/{identity}")["droplet"]
            return droplet if droplet["status"] == "active" else None

        networks = eventually(active, "activation")["networks"]["v4"]
        addresses = {network["type"]: network["ip_address"] for network in networks}
        return Machine(cloud, identity, addresses["public"], addresses["private"])

    yield make
    for identity in made:
        cloud.request("DELETE", f"droplets/{identity}")
