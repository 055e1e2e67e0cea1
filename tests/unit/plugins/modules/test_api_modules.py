# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic

from ansible_collections.flotilla.coreos.plugins.doc_fragments import _digitalocean as fragment
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean import options
from tests.unit.account_fakes import TOKEN, FakeAccount, StubServer

REPOSITORY = Path(__file__).resolve().parents[4]
PLUGINS = "ansible_collections.flotilla.coreos.plugins.modules"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHAqAiLFbCgJ14AFcLqynRiUCEWSAyHDD6MAySidtKOE me@here"
API_MODULES = ("droplets", "etcd_discovery", "preflight", "ssh_key", "tags")
NAMES = (*API_MODULES, "artifact_checksums")

PREFLIGHT: dict[str, Any] = {
    "cluster_name": "demo",
    "region": "fra1",
    "image": "flatcar",
    "control_plane": {"count": 1, "size": "s-2vcpu-4gb"},
    "pools": [{"name": "worker", "count": 2, "size": "s-2vcpu-2gb"}],
    "etcd_size": 1,
    "pod_network": "10.244.0.0/16",
    "service_network": "10.245.0.0/16",
}
DROPLETS: dict[str, Any] = {
    "cluster_name": "demo",
    "region": "fra1",
    "image": "flatcar",
    "pools": [{"names": ["demo-worker-1"], "size": "s-2vcpu-2gb", "tags": ["flotilla:demo:pool:worker"]}],
}


class StopError(Exception):
    """Ends a module once it has shown its options."""


def spec_of(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def stop(self: object, argument_spec: dict[str, Any], **_: Any) -> None:
        seen.update(argument_spec)
        raise StopError

    module = importlib.import_module(f"{PLUGINS}.{name}")
    monkeypatch.setattr(basic.AnsibleModule, "__init__", stop)
    with pytest.raises(StopError):
        module.main()
    return seen


def documented(fields: dict[str, Any], inner: str = "suboptions") -> dict[str, Any]:
    """Reduce documentation or a specification to what both must say alike."""
    kept = {}
    for option, described in fields.items():
        kept[option] = {
            k: described[k] for k in ("type", "elements", "required", "default", "choices") if k in described
        }
        if inner in described:
            kept[option]["inner"] = documented(described[inner], inner)
    return kept


@pytest.mark.parametrize("name", NAMES)
def test_module_takes_the_documented_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    described = yaml.safe_load(importlib.import_module(f"{PLUGINS}.{name}").DOCUMENTATION)["options"]
    if name in API_MODULES:
        described |= yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    assert documented(spec_of(name, monkeypatch), "options") == documented(described)


@pytest.mark.parametrize("name", NAMES)
def test_examples_use_documented_options_only_and_results_are_yaml(name: str) -> None:
    module = importlib.import_module(f"{PLUGINS}.{name}")
    known = yaml.safe_load(module.DOCUMENTATION)["options"].keys()
    for task in yaml.safe_load(module.EXAMPLES):
        assert task[f"flotilla.coreos.{name}"].keys() <= known
    assert all("description" in value for value in yaml.safe_load(module.RETURN).values())


def test_action_group_holds_the_modules_that_take_the_token() -> None:
    runtime = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["action_groups"]["digitalocean"] == sorted(API_MODULES)


@pytest.mark.parametrize("name", API_MODULES)
def test_token_is_kept_out_of_logs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spec_of(name, monkeypatch)["api_token"]["no_log"] is True


def test_missing_library_is_a_sentence_with_its_name_and_version(
    run_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "LIBRARY_IMPORT_ERROR", "Traceback: no module named digitalocean")
    result = run_module("tags", names=["x"])
    assert result["failed"]
    assert "python-digitalocean==1.17.0" in result["msg"]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("preflight", PREFLIGHT),
        ("droplets", DROPLETS),
        ("ssh_key", {"name": "k", "public_key": KEY}),
        ("tags", {"names": ["x"]}),
        ("etcd_discovery", {"cluster_name": "demo", "url": "http://127.0.0.1:9", "size": 1}),
    ],
)
def test_wrong_token_is_said_plainly_by_every_module(run_module: Any, name: str, params: dict[str, Any]) -> None:
    result = run_module(name, **params, api_token="dop_v1_wrong")
    assert result["failed"]
    assert result["msg"].startswith("The API does not accept the token")
    assert result["failure"]["kind"] == "UnauthorizedError"
    assert "exception" not in result
    assert "dop_v1_wrong" not in str(result)


def test_missing_token_is_said_plainly(run_module: Any) -> None:
    result = run_module("tags", names=["x"], api_token="")
    assert "No DigitalOcean API token was given" in result["msg"]


def test_preflight_returns_facts_and_changes_nothing(run_module: Any) -> None:
    result = run_module("preflight", **PREFLIGHT)
    assert result["changed"] is False
    assert result["preflight"]["droplets"]["to_create"] == ["demo-control-plane-1", "demo-worker-1", "demo-worker-2"]
    assert result["api_requests"] == 7


def test_preflight_fails_with_the_list_of_problems(run_module: Any) -> None:
    result = run_module("preflight", **{**PREFLIGHT, "region": "mars1", "etcd_size": 2})
    assert result["failed"]
    assert len(result["failure"]["problems"]) == 2


def test_droplets_result_has_the_same_keys_in_every_state(run_module: Any, account: FakeAccount) -> None:
    account.active_after_s = 0.0
    account.gone_after_s = 0.0
    checked = run_module("droplets", check=True, **DROPLETS)
    created = run_module("droplets", **DROPLETS)
    unchanged = run_module("droplets", **DROPLETS)
    would_delete = run_module("droplets", check=True, cluster_name="demo", state="absent")
    deleted = run_module("droplets", cluster_name="demo", state="absent")
    results = [checked, created, unchanged, would_delete, deleted]
    assert [result["changed"] for result in results] == [True, True, False, True, True]
    assert len({frozenset(result) for result in results}) == 1
    assert checked["droplets"][0].keys() == created["droplets"][0].keys()
    assert created["droplets"][0]["status"] == "active"
    assert [result["actions"][0]["action"] for result in results] == ["create", "create", "adopt", "delete", "delete"]
    assert account.droplets == {}


def test_check_mode_sends_nothing_but_gets(run_module: Any, server: StubServer) -> None:
    run_module("droplets", check=True, **DROPLETS)
    run_module("ssh_key", check=True, name="k", public_key=KEY)
    run_module("tags", check=True, names=["x"])
    run_module("etcd_discovery", check=True, cluster_name="demo", url="http://127.0.0.1:9", size=1)
    assert {request.method for request in server.requests} == {"GET"}


def test_discovery_in_check_mode_says_that_a_token_would_be_requested(run_module: Any) -> None:
    result = run_module("etcd_discovery", check=True, cluster_name="demo", url="http://127.0.0.1:9", size=3)
    assert result["changed"] is True
    assert result["discovery"] == {"token": None, "url": None, "size": 3, "requested": True, "registered": None}


def test_discovery_that_is_down_names_its_url_and_leaves_no_tag(run_module: Any, account: FakeAccount) -> None:
    result = run_module("etcd_discovery", cluster_name="demo", url="http://127.0.0.1:9", size=3)
    assert "GET http://127.0.0.1:9/new?size=3: cannot connect" in result["msg"]
    assert account.tags == {}


def test_ssh_key_result_has_the_same_keys_in_every_state(run_module: Any) -> None:
    would = run_module("ssh_key", check=True, name="k", public_key=KEY)
    made = run_module("ssh_key", name="k", public_key=KEY)
    kept = run_module("ssh_key", name="other", public_key=KEY, state="absent")
    gone = run_module("ssh_key", name="k", public_key=KEY, state="absent")
    assert [result["changed"] for result in (would, made, kept, gone)] == [True, True, False, True]
    assert (would["ssh_key"]["id"], gone["ssh_key"]) == (None, None)
    assert made["ssh_key"].keys() == would["ssh_key"].keys()
    assert kept["kept"][0]["why"].startswith("the account has it under the name 'k', not 'other'")
    assert made["kept"] == []


def test_tags_result_lists_who_carries_them(run_module: Any, account: FakeAccount) -> None:
    droplet = account.make_droplet("demo-worker-1", tags=[])
    result = run_module("tags", names=["flotilla:demo:ready"], droplet_ids=[droplet["id"]])
    assert result["tags"] == [{"name": "flotilla:demo:ready", "droplet_ids": [droplet["id"]]}]


def test_artifact_problems_end_the_module_with_each_artifact_named(run_module: Any) -> None:
    artifacts = [{"name": "a", "url": "http://x/a"}, {"name": "b", "url": "ftp://x/b"}]
    result = run_module("artifact_checksums", artifacts=artifacts)
    assert [problem[:10] for problem in result["failure"]["problems"]] == ["Artifact a", "Artifact b"]


def test_token_appears_in_no_result(run_module: Any) -> None:
    assert TOKEN not in str(run_module("droplets", check=True, **DROPLETS))


def test_droplets_that_differ_or_are_not_declared_are_left_alone_and_said(
    run_module: Any, account: FakeAccount
) -> None:
    account.active_after_s = 0.0
    tags = ["flotilla:demo", "flotilla:demo:spec:aaaa"]
    names = ["demo-worker-1", "demo-worker-2"]
    run_module("droplets", **{**DROPLETS, "pools": [{"names": names, "size": "s-2vcpu-2gb", "tags": tags}]})
    wanted = {"names": names[:1], "size": "s-2vcpu-4gb", "tags": ["flotilla:demo", "flotilla:demo:spec:bbbb"]}
    result = run_module("droplets", **{**DROPLETS, "pools": [wanted]})
    assert result["changed"] is False
    told = " ".join(str(warning) for warning in result["warnings"])
    assert "demo-worker-1 differs from the declaration: its size is s-2vcpu-2gb, declared is s-2vcpu-4gb" in told
    assert "its spec is aaaa, declared is bbbb" in told
    assert "demo-worker-2 belongs to cluster demo but is not declared" in told
