# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real machines. Needs root and the results of `local-cloud build`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from paper_cloud import eventually

from local_cloud.machine.cgroups import Cgroup
from local_cloud.machine.driver import leader_of
from local_cloud.machine.network import namespaces
from local_cloud.processes import ProcessId

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.machines
NAME = "lctest"
USER_DATA = "#cloud-config\nwrite_files:\n- path: /etc/told\n  content: $private_ipv4\n"


@dataclass(frozen=True)
class Machines:
    """A running cloud with real machines."""

    home: Path
    name: str = NAME

    def command(self, *words: str) -> str:
        environment = {**os.environ, "LOCAL_CLOUD_HOME": str(self.home)}
        done = subprocess.run(
            [sys.executable, "-m", "local_cloud", *words, "--name", self.name],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def connection(self) -> dict[str, Any]:
        connection: dict[str, Any] = json.loads((self.home / self.name / "connection.json").read_text())
        return connection

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.connection['token']}"}
        return requests.request(method, self.connection["api_url"] + path, json=body, headers=headers, timeout=30)

    def create(self, name: str, size: str = "s-1vcpu-1gb") -> Droplet:
        public_key = Path(self.connection["ssh_public_key"]).read_text()
        self.call("POST", "account/keys", {"name": "test", "public_key": public_key})
        keys = [key["id"] for key in self.call("GET", "account/keys").json()["ssh_keys"]]
        order = {
            "name": name, "region": "fra1", "size": size, "image": "flatcar-stable", "ssh_keys": keys,
            "user_data": USER_DATA,
        }  # fmt: skip
        number = self.call("POST", "droplets", order).json()["droplet"]["id"]
        droplet = Droplet(self, number)
        eventually(lambda: droplet.shown()["status"] == "active" and droplet.shown()["networks"]["v4"], timeout_s=30)
        droplet.wait_for_ssh()
        return droplet


@dataclass(frozen=True)
class Droplet:
    cloud: Machines
    number: int

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.cloud.call("GET", f"droplets/{self.number}").json()["droplet"]
        return shown

    def address(self, kind: str = "public") -> str:
        return str(next(n["ip_address"] for n in self.shown()["networks"]["v4"] if n["type"] == kind))

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=2"]
        return subprocess.run(
            ["ssh", "-i", self.cloud.connection["ssh_private_key"], *(f"-o{option}" for option in options),
             f"core@{self.address()}", command],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def run(self, command: str) -> str:
        done = self.ssh(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def wait_for_ssh(self) -> None:
        eventually(lambda: self.ssh("systemctl is-system-running --wait").stdout.strip() == "running", timeout_s=60)

    def boot_id(self) -> str:
        return self.run("cat /proc/sys/kernel/random/boot_id")

    def act(self, kind: str) -> None:
        answer = self.cloud.call("POST", f"droplets/{self.number}/actions", {"type": kind})
        assert answer.status_code == 201, answer.text
        action = f"actions/{answer.json()['action']['id']}"
        eventually(lambda: self.cloud.call("GET", action).json()["action"]["status"] == "completed", timeout_s=90)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes network namespaces, cgroups and mounts")
    machines = Machines(tmp_path_factory.mktemp("home"))
    machines.command("start", "--burst-limit", "0")
    try:
        yield machines
    finally:
        machines.command("stop", "--purge")
        assert traces() == []


@pytest.fixture(scope="module")
def droplet(cloud: Machines) -> Droplet:
    return cloud.create("web-1")


def traces(name: str = NAME) -> list[str]:
    """Whatever of a cloud can still be seen on this machine."""
    processes = [
        command
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if f"--machine={name}-" in (command := _text(path)) or f"local_cloud.daemon\0--name\0{name}\0" in command
    ]
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if f"/{name}/" in line]
    cgroups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/local-cloud.{name}")]
    claim = [str(path) for path in Path("/run/local-cloud").glob(f"{name}.json")]
    networks = [found for found in namespaces() if found == f"lc-{name}" or found.startswith(f"lc-{name}.")]
    return [*processes, *mounts, *cgroups, *claim, *networks]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def test_machine_is_named_and_configured_by_its_metadata(droplet: Droplet) -> None:
    assert droplet.run("hostname; cat /etc/told").split() == ["web-1", droplet.address("private")]
    assert droplet.run("curl -s http://169.254.169.254/metadata/v1/id") == str(droplet.number)


def test_machine_is_like_flatcar(droplet: Droplet) -> None:
    assert droplet.ssh("sudo touch /usr/new").returncode != 0
    assert droplet.ssh("command -v python3").returncode != 0
    assert droplet.run("systemctl --failed --no-legend") == ""


def test_size_is_a_real_limit(droplet: Droplet) -> None:
    assert droplet.run("cat /sys/fs/cgroup/memory/memory.limit_in_bytes") == str(1 << 30)
    assert droplet.run("cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us") == "100000"
    assert droplet.run("free --mebi | awk '/^Mem/ {print $2}'") == "1024"
    # It takes twice the memory of the droplet, and is killed for it.
    assert droplet.ssh("head -c 2G /dev/zero | tail -c 2G >/dev/null").returncode != 0


def test_services_answer_from_inside_and_from_this_machine(cloud: Machines, droplet: Droplet) -> None:
    mirror, registry = cloud.connection["artifact_mirror"], cloud.connection["registry_mirror"]
    discovery = cloud.connection["discovery_url"]
    assert droplet.run(f"curl -sf {mirror}/dl.k8s.io/release/").startswith("<html>")
    assert "kube-apiserver" in droplet.run(f"curl -sf {registry}/v2/_catalog")
    token = requests.get(f"{discovery}/new?size=1", timeout=10).text
    assert token.startswith(discovery)
    assert '"dir":true' in droplet.run(f"curl -sf {token}")
    assert droplet.ssh("resolvectl query nothing.example").stderr.strip().endswith("not found")


def test_machine_reaches_nothing_outside_its_cloud(cloud: Machines, droplet: Droplet) -> None:
    index = cloud.connection["nameserver"].split(".")[2]
    with socket.create_server((f"198.19.{index}.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert droplet.ssh(f"curl -s -m 2 http://198.19.{index}.1:{port}/").returncode != 0
    assert droplet.ssh("curl -s -m 2 http://192.0.2.1/").returncode != 0


def test_reboot_keeps_what_was_written_and_drops_what_was_not(droplet: Droplet) -> None:
    before = droplet.boot_id()
    droplet.run(
        "echo kept | sudo tee /etc/kept /var/lib/kept; sudo ip link add vx type vxlan id 9 dstport 8472 dev eth1"
    )
    droplet.act("reboot")
    droplet.wait_for_ssh()
    assert droplet.boot_id() != before
    assert droplet.run("cat /etc/kept /var/lib/kept") == "kept\nkept"
    assert droplet.ssh("ip link show vx").returncode != 0


def test_reboot_from_inside_comes_back(droplet: Droplet) -> None:
    before = droplet.boot_id()
    droplet.ssh("sudo systemctl reboot")
    eventually(
        lambda: droplet.ssh("cat /proc/sys/kernel/random/boot_id").stdout.strip() not in ("", before), timeout_s=60
    )
    assert droplet.shown()["status"] == "active"


def test_power_off_from_inside_is_noted_and_power_on_brings_it_back(droplet: Droplet) -> None:
    droplet.wait_for_ssh()
    droplet.ssh("sudo systemctl poweroff")
    eventually(lambda: droplet.shown()["status"] == "off", timeout_s=60)
    droplet.act("power_on")
    assert droplet.shown()["status"] == "active"
    droplet.wait_for_ssh()


def test_machine_runs_on_when_the_daemon_is_killed_and_restarted(cloud: Machines, droplet: Droplet) -> None:
    before, daemon = droplet.boot_id(), ProcessId.of(int(cloud.connection["pid"]))
    assert daemon is not None
    daemon.signal(signal.SIGKILL)
    daemon.wait(10)
    cloud.command("start")
    assert droplet.boot_id() == before
    assert droplet.shown()["status"] == "active"


def test_stop_ends_machines_without_a_daemon_and_start_brings_them_back(cloud: Machines, droplet: Droplet) -> None:
    droplet.run("echo kept | sudo tee /etc/kept")
    os.kill(int(cloud.connection["pid"]), signal.SIGKILL)
    cloud.command("stop")
    assert traces() == []
    cloud.command("start")
    droplet.wait_for_ssh()
    assert droplet.run("cat /etc/kept") == "kept"


def test_deleted_droplet_leaves_nothing(cloud: Machines) -> None:
    doomed = cloud.create("doomed")
    cgroup = Cgroup(f"local-cloud.{NAME}/droplet-{doomed.number}")
    assert leader_of(cgroup) is not None
    cloud.call("DELETE", f"droplets/{doomed.number}")
    eventually(lambda: cloud.call("GET", f"droplets/{doomed.number}").status_code == 404, timeout_s=30)
    assert not cgroup.exists()
    assert f"lc-{NAME}.{doomed.number}" not in namespaces()
    assert not (cloud.home / NAME / "machines" / str(doomed.number)).exists()


def test_second_cloud_is_apart_and_goes_alone(cloud: Machines, droplet: Droplet, tmp_path: Path) -> None:
    other = Machines(tmp_path, "lctest2")
    other.command("start", "--delays", "short", "--burst-limit", "0")
    try:
        mirror = other.connection["artifact_mirror"]
        assert requests.get(mirror, timeout=10).status_code == 200
        assert droplet.ssh(f"curl -s -m 2 {mirror}/").returncode != 0
        neighbour = other.create("web-1")
        assert droplet.ssh(f"curl -s -m 2 telnet://{neighbour.address()}:22 </dev/null").returncode != 0
    finally:
        other.command("stop", "--purge")
    assert traces(other.name) == []
    assert droplet.run("hostname") == "web-1"
