"""Local clouds and clusters of a test session's own, driven as an operator drives them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

REPOSITORY = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PLAYBOOK_TIMEOUT_S = 600


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a command printed, and its exit status."""

    status: int
    output: str

    def recap(self, word: str) -> int:
        """Return a figure of Ansible's recap for localhost, for instance ``changed``."""
        for line in reversed(self.output.splitlines()):
            if line.startswith("localhost") and f"{word}=" in line:
                return int(line.split(f"{word}=")[1].split()[0])
        raise AssertionError(f"no recap in:\n{self.output}")


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A running local cloud."""

    name: str
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment for every command about this cloud."""
        return os.environ | {"LOCAL_CLOUD_HOME": str(self.home), "CLOUD": self.name, "ANSIBLE_NOCOLOR": "1"}

    @property
    def connection(self) -> dict[str, Any]:
        """What ``local-cloud start`` wrote for its users."""
        answer: dict[str, Any] = json.loads((self.home / self.name / "connection.json").read_text())
        return answer

    def command(self, *words: str, timeout_s: float = 120) -> Run:
        """Run ``local-cloud`` with these words."""
        return execute([str(BIN / "local-cloud"), *words], self.environment, timeout_s)

    @property
    def key_fingerprint(self) -> str:
        """The MD5 fingerprint of the cloud's own SSH key, by which the API knows it; listing keys is limited."""
        key = base64.b64decode(Path(self.connection["ssh_public_key"]).read_text().split()[1])
        return hashlib.md5(key, usedforsecurity=False).digest().hex(":")

    def get(self, path: str) -> dict[str, Any]:
        """GET a path of the API."""
        document: dict[str, Any] = self._request("GET", path).json()
        return document

    def delete(self, path: str) -> None:
        """DELETE a path of the API; what is gone already is fine."""
        self._request("DELETE", path, accepted=(404,))

    def _request(self, method: str, path: str, accepted: tuple[int, ...] = ()) -> requests.Response:
        connection = self.connection
        headers = {"Authorization": f"Bearer {connection['token']}"}
        answer = requests.request(method, connection["api_url"] + path, headers=headers, timeout=30)
        if answer.status_code not in accepted:
            answer.raise_for_status()
        return answer


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster on a local cloud, driven as an operator would."""

    cloud: Cloud
    name: str
    output_dir: Path
    control_planes: int = 1
    workers: int = 2

    @property
    def environment(self) -> dict[str, str]:
        """The cloud's environment, and the shape of this cluster."""
        return self.cloud.environment | {
            "CLUSTER": self.name,
            "CONTROL_PLANE": str(self.control_planes),
            "WORKERS": str(self.workers),
        }

    def playbook_words(self, playbook: str, *words: str) -> list[str]:
        """Return the command line of a playbook."""
        extra = json.dumps({"flotilla_output_dir": str(self.output_dir)})
        return [str(BIN / "ansible-playbook"), playbook, "-e", extra, *words]

    def playbook(self, playbook: str, *words: str, timeout_s: float = PLAYBOOK_TIMEOUT_S) -> Run:
        """Run a playbook to its end."""
        return execute(self.playbook_words(playbook, *words), self.environment, timeout_s)

    def droplets(self) -> dict[str, dict[str, Any]]:
        """Return the API's droplets of this cluster by name."""
        found = self.cloud.get(f"droplets?tag_name=flotilla:{self.name}&per_page=200")["droplets"]
        assert len({droplet["name"] for droplet in found}) == len(found), "a droplet name is doubled"
        return {droplet["name"]: droplet for droplet in found}

    def public_ipv4(self, node: str) -> str:
        """Return a node's public address."""
        networks = self.droplets()[node]["networks"]["v4"]
        return str(next(network["ip_address"] for network in networks if network["type"] == "public"))

    def ssh(self, node: str, script: str, timeout_s: float = 60) -> Run:
        """Run a script as root on a node."""
        words = ["ssh", "-i", self.cloud.connection["ssh_private_key"], "-o", "StrictHostKeyChecking=no"]
        words += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=3"]
        words += [f"core@{self.public_ipv4(node)}", "sudo bash -s"]
        return execute(words, self.environment, timeout_s, stdin=script)

    def kubectl(self, *words: str, timeout_s: float = 60) -> Run:
        """Run kubectl with the kubeconfig that the run wrote."""
        environment = self.environment | {"KUBECONFIG": str(self.output_dir / self.name / "kubeconfig")}
        return execute([str(kubectl_path()), *words], environment, timeout_s)

    def verify_document(self) -> dict[str, Any]:
        """Return what verify wrote."""
        document: dict[str, Any] = json.loads((self.output_dir / self.name / "verify.json").read_text())
        return document

    def discovery_tags(self) -> list[str]:
        """Return the cluster's discovery tags in the account."""
        tags = self.cloud.get("tags?per_page=200")["tags"]
        return [tag["name"] for tag in tags if tag["name"].startswith(f"flotilla:{self.name}:discovery:")]


@contextmanager
def running_cloud(home: Path, *words: str) -> Iterator[Cloud]:
    """Start a cloud of its own name with these options; it is gone at the end whatever happens."""
    cloud = Cloud(name=f"t{secrets.token_hex(3)}", home=home)
    try:
        started = cloud.command("start", "--name", cloud.name, *words)
        assert started.status == 0, started.output
        yield cloud
    finally:
        cloud.command("stop", "--name", cloud.name, "--purge")


def execute(
    words: list[str],
    environment: dict[str, str],
    timeout_s: float,
    *,
    stdin: str | None = None,
    folder: Path = REPOSITORY,
) -> Run:
    """Run a command, in the checkout unless told otherwise; what it prints is kept and shown when a test fails."""
    print("$", " ".join(words))
    finished = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    print(finished.stdout)
    return Run(status=finished.returncode, output=finished.stdout)


def kubectl_path() -> Path:
    """Return the kubectl that the local cloud's mirror serves."""
    from local_cloud.build import artifacts
    from local_cloud.paths import cache_root

    return artifacts(cache_root()).kubectl


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 120) -> float:
    """Wait for a condition and return the seconds that it took."""
    started_s = time.monotonic()
    while not condition():
        if time.monotonic() - started_s > timeout_s:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.5)
    return time.monotonic() - started_s
