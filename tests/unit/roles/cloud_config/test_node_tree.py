# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node tree, rendered for each role with the defaults: is every file what its reader on the node accepts?"""

from __future__ import annotations

import base64
import gzip
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

Files = dict[str, dict[str, str]]
ROLES = ("control-plane", "worker")
# What is left of DigitalOcean's 64 KiB for the operator, and the budget of a node.
BUDGET_BYTES = 48 * 1024
UNIT_FILE = re.compile(r"^/etc/systemd/system/[^/]+\.(service|target)$")


@pytest.fixture(scope="module", params=ROLES)
def tree(request: pytest.FixtureRequest, render: Callable[..., Files]) -> Files:
    return render(request.param)


@pytest.fixture(scope="module")
def control_plane(render: Callable[..., Files]) -> Files:
    return render("control-plane")


@pytest.fixture(scope="module")
def worker(render: Callable[..., Files]) -> Files:
    return render("worker")


def scripts(tree: Files) -> dict[str, str]:
    return {path: file["content"] for path, file in tree.items() if path.startswith("/opt/flotilla/")}


def lay(tree: Files, root: Path) -> None:
    """Write the files as first-boot would, below another root."""
    for path, file in tree.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file["content"])
        target.chmod(int(file["mode"], 8))


def units(tree: Files) -> dict[str, str]:
    return {Path(path).name: file["content"] for path, file in tree.items() if UNIT_FILE.match(path)}


def values(unit: str, key: str) -> list[str]:
    return [word for line in unit.splitlines() if line.startswith(f"{key}=") for word in line.split("=", 1)[1].split()]


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def test_every_script_is_valid_bash(tree: Files, tmp_path: Path) -> None:
    lay(tree, tmp_path)
    for path in scripts(tree):
        subprocess.run(["bash", "-n", str(tmp_path / path.lstrip("/"))], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_nothing_to_say(tree: Files, tmp_path: Path) -> None:
    lay(tree, tmp_path)
    # 1091, 2154: what /opt/flotilla/lib.sh reads on the node is not there; 2034: what it sets is used by its readers.
    command = ["shellcheck", "--shell=bash", "--severity=warning", "--exclude=SC1091,SC2154,SC2034"]
    found = subprocess.run(
        [*command, *(str(tmp_path / path.lstrip("/")) for path in scripts(tree))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""


def test_every_yaml_file_parses(tree: Files) -> None:
    found = {path: documents(file["content"]) for path, file in tree.items() if path.endswith(".yaml")}
    assert found
    assert all("kind" in document for parsed in found.values() for document in parsed)


def test_the_runtime_configuration_parses_and_names_the_sandbox_image(worker: Files) -> None:
    config = tomllib.loads(worker["/etc/containerd/config.toml"]["content"])
    images = config["plugins"]["io.containerd.cri.v1.images"]
    assert images["pinned_images"]["sandbox"] == "registry.k8s.io/pause:3.10.2"
    assert config["plugins"]["io.containerd.cri.v1.runtime"]["restrict_oom_score_adj"] is False


def test_a_registry_mirror_is_the_default_host_and_without_one_there_is_no_such_file(
    render: Callable[..., Files],
) -> None:
    path = "/etc/containerd/certs.d/_default/hosts.toml"
    mirrored = tomllib.loads(render("worker", registry_mirror="http://mirror.test:5000")[path]["content"])
    assert mirrored["host"]["http://mirror.test:5000"]["capabilities"] == ["pull", "resolve"]
    assert path not in render("worker", registry_mirror="")


def test_the_artifact_list_has_seven_columns_and_an_unknown_size_is_zero(
    worker: Files, declared_artifacts: list[dict[str, Any]]
) -> None:
    lines = worker["/etc/flotilla/artifacts.list"]["content"].splitlines()[1:]
    assert [line.split("|") for line in lines] == [
        ["etcd", "a" * 64, "1000", "0755", "/opt/bin", "etcd etcdctl", " ".join(declared_artifacts[0]["urls"])],
        ["kubelet", "b" * 64, "0", "0755", "/opt/bin/kubelet", "-", "https://upstream.test/kubelet"],
    ]


def test_the_target_needs_every_unit_of_the_chain_and_multi_user_needs_the_target(
    tree: Files,
) -> None:
    own = units(tree)
    target = own.pop("kubernetes.target")
    own.pop("prefetch.service", None)
    assert set(values(target, "Requires")) == {*own, "containerd.service"}
    assert values(target, "Requires") == values(target, "After")
    assert values(target, "RequiredBy") == ["multi-user.target"]


def test_every_unit_waits_instead_of_failing(tree: Files) -> None:
    for name, unit in units(tree).items():
        if name in ("kubernetes.target", "prefetch.service"):
            continue
        assert values(unit, "RestartMode") == ["direct"], name
        assert values(unit, "StartLimitIntervalSec") == ["0"], name
        assert values(unit, "TimeoutStartSec") == ["infinity"], name
        assert values(unit, "Restart") == (["on-failure"] if values(unit, "Type") == ["oneshot"] else ["always"]), name


def test_no_unit_is_ordered_after_multi_user(tree: Files) -> None:
    assert not [name for name, unit in units(tree).items() if "multi-user.target" in values(unit, "After")]


def test_what_a_unit_wants_it_is_also_ordered_after(tree: Files) -> None:
    known = units(tree)
    chain = {*known, "containerd.service"}

    def before(name: str) -> set[str]:
        direct = set(values(known.get(name, ""), "After")) & chain
        return direct.union(*(before(other) for other in direct)) if direct else direct

    for name, unit in known.items():
        assert set(values(unit, "Requires") + values(unit, "Wants")) <= before(name), name


def test_flannel_comes_before_the_runtime_and_the_kubelet(worker: Files) -> None:
    drop_in = worker["/etc/systemd/system/containerd.service.d/10-flotilla.conf"]["content"]
    assert "After=flannel.service" in drop_in
    assert "flannel.service" in values(units(worker)["kubelet.service"], "After")


def test_images_are_fetched_beforehand_where_the_addons_run_and_nothing_waits_for_it(
    render: Callable[..., Files], tree: Files
) -> None:
    path = "/etc/systemd/system/prefetch.service"
    assert path in render("worker")
    assert path not in render("control-plane")
    assert path in render("control-plane", pools=[])
    assert not [name for name, unit in units(tree).items() if "prefetch.service" in values(unit, "After")]


def test_each_program_of_a_unit_is_in_the_tree_or_an_artifact(tree: Files) -> None:
    for name, unit in units(tree).items():
        for program in re.findall(r"^ExecStart(?:Pre|Post)?=(\S+)", unit, flags=re.MULTILINE):
            assert program in tree or program.startswith(("/opt/bin/", "/bin/bash")), f"{name} runs {program}"
            assert program not in tree or tree[program]["mode"] == "0755", program


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units(tree: Files, tmp_path: Path) -> None:
    lay(tree, tmp_path)
    for program in ("bin/bash", "opt/bin/etcd", "opt/bin/flanneld", "opt/bin/kubelet", "usr/bin/containerd"):
        target = tmp_path / program
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")
        target.chmod(0o755)
    stub = tmp_path / "etc/systemd/system/containerd.service"
    stub.write_text("[Service]\nExecStart=/usr/bin/containerd\n")
    # A systemd older than the nodes' does not know two of the settings.
    found = subprocess.run(
        ["systemd-analyze", "verify", f"--root={tmp_path}", "--man=no", *sorted(units(tree))],
        capture_output=True,
        text=True,
        check=False,
    )
    known = re.compile(r"RestartMode|LogFilterPatterns|/dev/tty|(network|shutdown|sysinit|basic)\.target")
    assert [line for line in found.stderr.splitlines() if line and not known.search(line)] == []


def test_static_pods_reference_no_api_object(tree: Files) -> None:
    for path, file in tree.items():
        if not path.startswith("/etc/kubernetes/manifests/"):
            continue
        (pod,) = documents(file["content"])
        assert all(set(volume) == {"name", "hostPath"} for volume in pod["spec"]["volumes"]), path
        assert "serviceAccountName" not in pod["spec"], path
        assert file["mode"] == "0600", path


def test_images_carry_the_declared_versions(control_plane: Files) -> None:
    pod = documents(control_plane["/etc/kubernetes/manifests/kube-apiserver.yaml"]["content"])[0]
    assert pod["spec"]["containers"][0]["image"] == "registry.k8s.io/kube-apiserver:v1.37.2"


@pytest.mark.parametrize(("count", "is_tainted"), [(0, False), (2, True)])
def test_a_control_plane_is_tainted_only_beside_workers(
    render: Callable[..., Files], count: int, is_tainted: bool
) -> None:
    tree = render("control-plane", pools=[{"name": "worker", "count": count, "size": "s-1vcpu-2gb"}])
    (config,) = documents(tree["/etc/kubernetes/kubelet.yaml"]["content"])
    assert ("registerWithTaints" in config) is is_tainted


def test_machines_with_locked_sysctls_get_no_conntrack_settings(render: Callable[..., Files]) -> None:
    path = "/etc/kubernetes/kube-proxy.yaml"
    locked = documents(render("worker", kube_proxy_conntrack_managed=False)[path]["content"])[0]
    assert locked["conntrack"] == {
        "maxPerCore": 0,
        "min": 0,
        "tcpEstablishedTimeout": "0s",
        "tcpCloseWaitTimeout": "0s",
    }
    assert "conntrack" not in documents(render("worker")[path]["content"])[0]


def test_the_dashboard_may_not_read_secrets(control_plane: Files) -> None:
    roles = [d for d in documents(control_plane["/etc/flotilla/addons/40-dashboard.yaml"]["content"]) if "rules" in d]
    core = [rule for role in roles for rule in role["rules"] if "" in rule["apiGroups"] or "*" in rule["apiGroups"]]
    assert core
    assert all({"secrets", "*"}.isdisjoint(rule["resources"]) for rule in core)


def test_workers_get_nothing_of_the_control_plane(worker: Files) -> None:
    assert [path for path in worker if "manifests" in path] == ["/etc/kubernetes/manifests/kube-proxy.yaml"]
    assert not [path for path in worker if "apiserver" in path and "gateway" not in path]


def test_the_compressed_tree_leaves_room_in_the_user_data(tree: Files) -> None:
    sizes = [len(base64.b64encode(gzip.compress(file["content"].encode(), mtime=0))) for file in tree.values()]
    assert sum(sizes) < BUDGET_BYTES
