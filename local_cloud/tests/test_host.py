# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud import addresses, host
from local_cloud.errors import LocalCloudError, MachineError
from local_cloud.machine import cgroups
from local_cloud.machine.network import mac_address
from local_cloud.processes import ProcessId, run

if TYPE_CHECKING:
    from pathlib import Path


def test_command_that_needs_root_says_what_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LocalCloudError, match="`local-cloud start` needs root: it makes network namespaces"):
        host.check_root("local-cloud start")


class TestPrograms:
    @pytest.fixture(autouse=True)
    def _no_nft(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shutil.which", lambda program: None if program == "nft" else f"/usr/bin/{program}")

    def test_missing_package_is_installed_and_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[list[str]] = []

        def install(argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            calls.append(argv)
            return subprocess.CompletedProcess(argv, 0, "", "")

        monkeypatch.setattr(subprocess, "run", install)
        said: list[str] = []
        host.ensure_programs(said.append)
        assert said == ["installing nftables"]
        assert calls[0][-1] == "nftables"

    def test_package_that_cannot_be_installed_is_named_with_the_reason(self, monkeypatch: pytest.MonkeyPatch) -> None:
        failed = subprocess.CompletedProcess([], 100, "", "E: Unable to locate package nftables\n")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
        with pytest.raises(LocalCloudError, match="missing Debian packages: nftables.*Unable to locate package"):
            host.ensure_programs(lambda _: None)


def test_failed_command_is_reported_in_its_own_words() -> None:
    with pytest.raises(MachineError, match=r"`sh -c echo oh >&2; exit 3` failed with 3: oh"):
        run("sh", "-c", "echo oh >&2; exit 3")


def test_process_is_told_from_a_later_one_with_its_number() -> None:
    me = ProcessId.of(os.getpid())
    assert me is not None
    assert me.is_alive()
    assert not ProcessId(me.pid, me.start_ticks - 1).is_alive()


def test_dead_child_that_nobody_waited_for_counts_as_gone() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert ProcessId.of(child.pid) is None
    child.wait()


def test_addresses_rise_with_the_droplets_and_skip_those_taken() -> None:
    network, taken = IPv4Network("198.18.7.0/24"), {"198.18.7.3"}
    assert [addresses.pick(network, number, taken) for number in (0, 1, 1)] == [
        "198.18.7.2",
        "198.18.7.4",
        "198.18.7.5",
    ]


def test_address_is_never_the_gateway_nor_the_broadcast_and_ends_with_an_error() -> None:
    network, taken = IPv4Network("198.18.7.0/29"), set[str]()
    picked = {addresses.pick(network, 5, taken) for _ in range(5)}
    assert picked == {f"198.18.7.{last}" for last in range(2, 7)}
    with pytest.raises(addresses.NoAddressError, match="all 5 addresses of 198.18.7.0/29 are taken"):
        addresses.pick(network, 5, taken)


def test_hardware_address_holds_the_number_of_the_droplet() -> None:
    assert mac_address(606_000_001) == "04:01:24:1e:d3:81"


def test_unified_hierarchy_gets_the_limits_of_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    root = cgroups.Hierarchy(tmp_path, frozenset({"cpu", "memory"}), is_v2=True)
    monkeypatch.setattr(cgroups, "hierarchies", lambda: (root,))
    cgroups.Cgroup("a").limit(vcpus=2, memory_mib=512)
    assert (tmp_path / "a/memory.max").read_text() == str(512 << 20)
    assert (tmp_path / "a/cpu.max").read_text() == "200000 100000"
