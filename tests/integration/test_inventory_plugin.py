# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as ansible-inventory runs it, against an account in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.operate import BIN, Run, execute
from tests.unit.account_fakes import TOKEN, Answer, FakeAccount, FakeClock, StubServer, error

CLUSTER = "flotilla:demo"


@pytest.fixture
def account() -> FakeAccount:
    """An account with a control plane, two workers, a droplet of another cluster and one of nobody's."""
    account = FakeAccount(FakeClock())
    account.active_after_s = 0.0
    account.make_droplet("demo-worker-2", tags=[CLUSTER, f"{CLUSTER}:pool:worker"])
    account.make_droplet("demo-worker-1", tags=[CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:ready"])
    account.make_droplet("demo-control-plane-1", tags=[CLUSTER, f"{CLUSTER}:control-plane"])
    account.make_droplet("other-worker-1", tags=["flotilla:other", "flotilla:other:pool:worker"])
    account.make_droplet("web-1", tags=["web"])
    return account


@pytest.fixture
def server(account: FakeAccount) -> Iterator[StubServer]:
    """The account's server."""
    with StubServer(account).running() as server:
        yield server


def inventory(folder: Path, server: StubServer, text: str = "", **environment: str) -> Run:
    """Run ansible-inventory with that text in the source."""
    source = folder / "demo.droplets.yml"
    source.write_text(f"plugin: flotilla.coreos.droplets\napi_url: {server.url}/v2\n{text}", encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if "DIGITALOCEAN" not in name}
    words = [str(BIN / "ansible-inventory"), "-i", str(source), "--list"]
    return execute(words, clean | {"DO_API_TOKEN": TOKEN} | environment, 60)


def listed(run: Run) -> dict[str, Any]:
    """Return the inventory as data."""
    assert run.status == 0
    answer: dict[str, Any] = json.loads(run.output)
    return answer


def test_hosts_of_all_clusters_come_sorted_with_the_token_from_the_environment(
    tmp_path: Path, server: StubServer
) -> None:
    found = listed(inventory(tmp_path, server))
    assert found["kube_control_plane"]["hosts"] == ["demo-control-plane-1"]
    assert found["etcd"]["hosts"] == ["demo-control-plane-1"]
    assert found["kube_node"]["hosts"] == ["demo-worker-1", "demo-worker-2", "other-worker-1"]
    assert found["cluster_other"]["hosts"] == ["other-worker-1"]
    assert "web-1" not in found["_meta"]["hostvars"]


def test_one_cluster_composed_variables_and_groups(tmp_path: Path, server: StubServer) -> None:
    text = (
        "cluster_name: \"{{ 'de' ~ 'mo' }}\"\n"
        "strict: true\n"
        "compose:\n  address: flotilla_private_ipv4\n"
        "groups:\n  finished: flotilla_ready\n"
        "keyed_groups:\n  - key: flotilla_size\n    prefix: size\n"
    )
    found = listed(inventory(tmp_path, server, text))
    assert found["kube_node"]["hosts"] == ["demo-worker-1", "demo-worker-2"]
    assert found["finished"]["hosts"] == ["demo-worker-1"]
    assert found["size_s_2vcpu_2gb"]["hosts"] == ["demo-control-plane-1", "demo-worker-1", "demo-worker-2"]
    hostvars = found["_meta"]["hostvars"]["demo-worker-1"]
    assert hostvars["address"] == hostvars["flotilla_private_ipv4"]
    assert "cluster_other" not in found


def test_account_without_a_droplet_is_an_empty_inventory(
    tmp_path: Path, server: StubServer, account: FakeAccount
) -> None:
    account.droplets.clear()
    assert listed(inventory(tmp_path, server))["_meta"]["hostvars"] == {}


def test_cache_spares_the_account(tmp_path: Path, server: StubServer) -> None:
    text = f"cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: {tmp_path / 'cache'}\n"
    first = listed(inventory(tmp_path, server, text))
    asked = len(server.requests)
    assert listed(inventory(tmp_path, server, text)) == first
    assert len(server.requests) == asked


FAULTS = [
    pytest.param(error(401, "unauthorized", "Unable to authenticate you."), "does not accept the token", id="401"),
    pytest.param(
        error(403, "forbidden", "You lack droplet:read"), "HTTP 403 forbidden: You lack droplet:read", id="403"
    ),
]


@pytest.mark.parametrize(("answer", "words"), FAULTS)
def test_refusal_is_a_sentence_and_no_traceback(
    tmp_path: Path, server: StubServer, account: FakeAccount, answer: Answer, words: str
) -> None:
    account.add_fault("GET", "/v2/droplets", answer, times=9)
    run = inventory(tmp_path, server)
    assert run.status != 0
    assert "The droplets of the account cannot be listed" in run.output
    assert words in " ".join(run.output.split())
    assert "Traceback" not in run.output
    assert TOKEN not in run.output


def test_template_that_fails_names_the_option(tmp_path: Path, server: StubServer) -> None:
    run = inventory(tmp_path, server, "api_token: \"{{ lookup('ansible.builtin.file', '/nowhere/token') }}\"\n")
    assert run.status != 0
    assert "The option api_token of flotilla.coreos.droplets cannot be evaluated" in " ".join(run.output.split())
    assert "Traceback" not in run.output
