# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, run for real on clouds without machines."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests
from paper_cloud import eventually

from local_cloud import host
from local_cloud.errors import LocalCloudError
from local_cloud.paths import CloudPaths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Shell:
    """Runs `local-cloud` with a state folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: str, status: int = 0) -> str:
        environment = {**os.environ, "LOCAL_CLOUD_HOME": str(self.home)}
        done = subprocess.run(
            [sys.executable, "-m", "local_cloud", *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def connection(self) -> dict[str, str]:
        connection: dict[str, str] = json.loads((self.home / "flotilla/connection.json").read_text())
        return connection

    def account_status(self) -> int:
        connection = self.connection()
        headers = {"Authorization": f"Bearer {connection['token']}"}
        return requests.get(connection["api_url"] + "account", headers=headers, timeout=10).status_code


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    runner = Shell(tmp_path / "home")
    yield runner
    runner("stop", "--purge")
    assert not (runner.home / "flotilla").exists()


def test_start_writes_a_private_connection_file_with_which_the_api_answers(shell: Shell) -> None:
    shell("start", "--driver", "paper")
    assert (shell.home / "flotilla/connection.json").stat().st_mode & 0o777 == 0o600
    assert shell.account_status() == 200


def test_second_start_says_that_it_runs_and_changes_nothing(shell: Shell) -> None:
    shell("start", "--driver", "paper")
    before = shell.connection()
    assert "cloud 'flotilla' is running" in shell("start", "--delays", "short")
    assert shell.connection() == before


def test_two_starts_at_once_make_one_cloud(shell: Shell) -> None:
    def start() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "local_cloud", "start", "--driver", "paper"],
            env={**os.environ, "LOCAL_CLOUD_HOME": str(shell.home)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(lambda _: start(), range(2)))
    assert outcomes[0][0] == 0
    assert re.search(r"another command is at work on the cloud 'flotilla' \(process \d+\)|is running", outcomes[1][1])


def test_port_token_and_droplets_outlast_a_stop(shell: Shell) -> None:
    shell("start", "--driver", "paper")
    before = shell.connection()
    requests.post(
        before["api_url"] + "droplets", headers={"Authorization": f"Bearer {before['token']}"}, timeout=10,
        json={"name": "web-1", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"},
    ).raise_for_status()  # fmt: skip
    eventually(lambda: re.search("web-1 +active", shell("status")))
    shell("stop")
    assert "stopped" in shell("status", status=3)
    shell("start")
    assert {key: value for key, value in shell.connection().items() if key != "pid"} == {
        key: value for key, value in before.items() if key != "pid"
    }
    assert re.search("web-1 +active", shell("status"))


def test_start_after_a_killed_daemon_goes_on(shell: Shell) -> None:
    shell("start", "--driver", "paper")
    os.kill(int(shell.connection()["pid"]), signal.SIGKILL)
    eventually(lambda: host.daemon_of(CloudPaths(name="flotilla", home=shell.home / "flotilla")) is None)
    shell("start")
    assert shell.account_status() == 200


@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.6])
def test_start_that_was_killed_is_finished_by_the_next(shell: Shell, after_s: float) -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "local_cloud", "start", "--driver", "paper"],
        env={**os.environ, "LOCAL_CLOUD_HOME": str(shell.home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with contextlib.suppress(subprocess.TimeoutExpired):
        first.wait(after_s)
    first.kill()
    first.wait()
    shell("start", "--driver", "paper")
    assert shell.account_status() == 200


def test_taken_port_is_named_with_its_holder(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        said = shell("start", "--driver", "paper", "--port", str(port), status=1)
    assert f"port {port} on 127.0.0.1 is taken by process {os.getpid()}" in said


def test_driver_is_not_exchanged_under_living_droplets(shell: Shell) -> None:
    shell("start", "--driver", "paper")
    connection = shell.connection()
    requests.post(
        connection["api_url"] + "droplets", headers={"Authorization": f"Bearer {connection['token']}"}, timeout=10,
        json={"name": "web-1", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"},
    ).raise_for_status()  # fmt: skip
    shell("stop")
    said = shell("start", "--driver", "nspawn", status=1)
    assert "has paper droplets and cannot go on with the driver nspawn" in said


def test_bad_name_is_refused_with_what_would_do(shell: Shell) -> None:
    assert "15 characters at most" in shell("start", "--name", "Not_good", status=1)


def test_log_of_requests_is_readable(shell: Shell) -> None:
    shell("start", "--driver", "paper")
    shell.account_status()
    assert re.search(r"200 .* GET +/v2/account", shell("logs", "api"))


def test_unknown_droplet_is_answered_with_the_known_ones(shell: Shell) -> None:
    shell("start", "--driver", "paper")
    assert "no droplet 'web-9' in the cloud 'flotilla'" in shell("logs", "web-9", status=1)


def test_stop_of_a_cloud_that_is_not_there_is_no_error(shell: Shell) -> None:
    assert "there is no cloud 'flotilla'" in shell("stop")


def test_too_small_a_disk_is_named_with_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match=r"GiB free and a build needs 1e\+06 GiB. Make room"):
        host.check_disk(tmp_path / "not/yet/there", 1e6, "a build")


class TestClaims:
    """Clouds of several state folders on one machine."""

    @pytest.fixture(autouse=True)
    def _run_root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("host", "paths"):
            monkeypatch.setattr(f"local_cloud.{module}.RUN_ROOT", tmp_path / "run")
        monkeypatch.setattr("local_cloud.machine.network.routed_indexes", lambda: {1})
        monkeypatch.setattr("local_cloud.machine.network.namespaces", lambda: ["lc-taken"])
        monkeypatch.setattr("local_cloud.host._LIMITS", {})

    def test_clouds_get_different_networks_and_none_that_the_machine_routes(self, tmp_path: Path) -> None:
        clouds = [CloudPaths(name=name, home=tmp_path / name) for name in ("a", "b")]
        assert [host.claim_network(cloud, None, has_droplets=False) for cloud in clouds] == [0, 2]

    def test_last_cloud_to_go_takes_the_run_folder_along(self, tmp_path: Path) -> None:
        clouds = [CloudPaths(name=name, home=tmp_path / name) for name in ("a", "b")]
        for cloud in clouds:
            host.claim_network(cloud, None, has_droplets=False)
        host.release_network(clouds[0])
        assert host.claim_network(clouds[0], None, has_droplets=False) == 0
        for cloud in clouds:
            host.release_network(cloud)
        assert not (tmp_path / "run").exists()

    def test_namespace_of_a_stranger_is_left_alone(self, tmp_path: Path) -> None:
        with pytest.raises(LocalCloudError, match="a network namespace lc-taken exists and no cloud here has made it"):
            host.claim_network(CloudPaths(name="taken", home=tmp_path / "taken"), None, has_droplets=False)

    def test_own_network_is_kept(self, tmp_path: Path) -> None:
        cloud = CloudPaths(name="a", home=tmp_path / "a")
        assert [host.claim_network(cloud, 7, has_droplets=True) for _ in range(2)] == [7, 7]

    def test_name_held_by_another_state_folder_is_refused_naming_it(self, tmp_path: Path) -> None:
        host.claim_network(CloudPaths(name="a", home=tmp_path / "one/a"), None, has_droplets=False)
        with pytest.raises(LocalCloudError, match=r"namespace lc-a belongs to the cloud 'a' in .*/one/a"):
            host.claim_network(CloudPaths(name="a", home=tmp_path / "two/a"), None, has_droplets=False)

    def test_network_that_droplets_live_in_is_not_exchanged(self, tmp_path: Path) -> None:
        host.claim_network(CloudPaths(name="a", home=tmp_path / "a"), 7, has_droplets=False)
        with pytest.raises(LocalCloudError, match=r"198\.18\.7\.0/24, .* live, is taken by a"):
            host.claim_network(CloudPaths(name="b", home=tmp_path / "b"), 7, has_droplets=True)
