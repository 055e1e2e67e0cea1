"""The main job on real droplets: up, verify, run again, break, reboot, destroy. Their order is their story."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.operate import REPOSITORY, Cloud, Cluster, wait_until

CONTROL_PLANE = "demo-control-plane-1"
WORKERS = ["demo-worker-1", "demo-worker-2"]
NODES = [CONTROL_PLANE, *WORKERS]


def node_is_ready(cluster: Cluster, node: str) -> bool:
    """Ask the API server whether a node is Ready."""
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return cluster.kubectl("get", "node", node, "-o", path).output.strip() == "True"


def failed_checks(cluster: Cluster) -> list[str]:
    """Return `node check` of each check that failed in verify.json."""
    checks = cluster.verify_document()["checks"]
    return [f"{check['node']} {check['check']}" for check in checks if not check["ok"]]


def test_site_ends_with_a_verified_cluster(cluster: Cluster) -> None:
    assert failed_checks(cluster) == []
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json").output)["items"]
    assert sorted(node["metadata"]["name"] for node in nodes) == sorted(NODES)
    assert all(node_is_ready(cluster, node) for node in NODES)


def test_every_droplet_carries_the_cluster_s_tags(cluster: Cluster) -> None:
    for name, droplet in cluster.droplets().items():
        role = "flotilla:demo:control-plane" if name == CONTROL_PLANE else "flotilla:demo:pool:worker"
        assert {"flotilla:demo", role, "flotilla:demo:ready", *cluster.discovery_tags()} <= set(droplet["tags"])


def test_kubeconfig_is_for_its_owner_alone(cluster: Cluster) -> None:
    mode = (cluster.output_dir / "demo" / "kubeconfig").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_user_data_holds_no_key_and_no_address_of_a_node(cluster: Cluster) -> None:
    script = """
curl -sf http://169.254.169.254/metadata/v1/user-data
find /run/flotilla/tree -type f -exec cat {} +
"""
    addresses = [network["ip_address"] for d in cluster.droplets().values() for network in d["networks"]["v4"]]
    for node in NODES:
        text = cluster.ssh(node, script).output
        assert "etcd" in text
        assert "PRIVATE KEY-----" not in text
        assert [address for address in addresses if address in text] == []


def test_second_run_changes_nothing(cluster: Cluster) -> None:
    before, token = cluster.droplets(), cluster.discovery_tags()
    run = cluster.playbook("site.yml")
    assert (run.status, run.recap("changed")) == (0, 0)
    assert {name: d["id"] for name, d in cluster.droplets().items()} == {name: d["id"] for name, d in before.items()}
    assert cluster.discovery_tags() == token


def test_dry_run_on_a_finished_cluster_predicts_no_change(cluster: Cluster) -> None:
    run = cluster.playbook("site.yml", "--check", "--diff")
    assert (run.status, run.recap("changed")) == (0, 0)


def test_second_run_at_once_stops_and_names_the_holder(cluster: Cluster) -> None:
    first = subprocess.Popen(
        cluster.playbook_words("site.yml"),
        cwd=REPOSITORY,
        env=cluster.environment,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        lock = cluster.output_dir / "demo" / "run.lock"
        wait_until(lambda: lock.exists() and str(first.pid) in lock.read_text(), "the first run's lock")
        second = cluster.playbook("site.yml")
        assert second.status != 0
        assert str(first.pid) in second.output
    finally:
        assert first.wait(timeout=300) == 0


@pytest.mark.parametrize(
    ("node", "breaks", "mends", "names"),
    [
        pytest.param(
            WORKERS[0],
            "systemctl stop flannel.service",
            "systemctl start multi-user.target",
            "flannel",
            id="flannel-stopped",
        ),
        pytest.param(
            CONTROL_PLANE,
            "kubectl delete deployment -n kube-system coredns",
            "kubectl apply --server-side --force-conflicts --field-manager=flotilla -f /etc/flotilla/addons",
            "coredns",
            id="coredns-deleted",
        ),
        pytest.param(
            CONTROL_PLANE,
            "kubectl scale deployment -n kube-system dashboard --replicas=0",
            "kubectl scale deployment -n kube-system dashboard --replicas=1",
            "dashboard",
            id="dashboard-broken",
        ),
        pytest.param(
            WORKERS[1],
            "systemctl stop kubelet.service",
            "systemctl start multi-user.target",
            "kubelet",
            id="kubelet-stopped",
        ),
    ],
)
def test_verify_fails_on_what_is_broken_and_names_it(
    cluster: Cluster, node: str, breaks: str, mends: str, names: str
) -> None:
    root = "export KUBECONFIG=/etc/kubernetes/super-admin.conf PATH=$PATH:/opt/bin\n"
    assert cluster.ssh(node, root + breaks).status == 0
    try:
        run = cluster.playbook("verify.yml", "-e", "verify_wait_s=10")
        assert run.status != 0
        assert any(names in line.lower() for line in failed_checks(cluster)), failed_checks(cluster)
        assert names in run.output
    finally:
        assert cluster.ssh(node, root + mends, timeout_s=180).status == 0
    assert cluster.playbook("verify.yml").status == 0


def multi_user_reached(cluster: Cluster, node: str) -> str:
    """Return when the node reached its Multi-User System, by the machine's clock; 0 or nothing while it has not."""
    query = "systemctl show -P ActiveEnterTimestampMonotonic multi-user.target"
    answer = cluster.ssh(node, query)
    return answer.output.strip() if answer.status == 0 else ""


def reboot(cluster: Cluster, node: str) -> None:
    """Reboot a node and wait until it has come up anew."""
    before = multi_user_reached(cluster, node)
    cluster.ssh(node, "systemctl reboot")
    wait_until(lambda: multi_user_reached(cluster, node) not in ("", "0", before), f"{node} after its reboot")


@pytest.mark.parametrize("node", [WORKERS[0], CONTROL_PLANE])
def test_changes_on_a_node_survive_its_reboot_and_it_comes_back_by_itself(cluster: Cluster, node: str) -> None:
    change = """
echo '# an operator was here' >> /etc/kubernetes/kubelet.yaml
mkdir -p /etc/systemd/system/kubelet.service.d
printf '[Service]\\nEnvironment=OPERATOR=1\\n' > /etc/systemd/system/kubelet.service.d/50-operator.conf
"""
    assert cluster.ssh(node, change).status == 0
    reboot(cluster, node)
    kept = cluster.ssh(node, "tail -n1 /etc/kubernetes/kubelet.yaml; systemctl show -P Environment kubelet.service")
    assert "# an operator was here" in kept.output
    assert "OPERATOR=1" in kept.output
    wait_until(lambda: node_is_ready(cluster, node), f"{node} Ready", timeout_s=60)
    assert cluster.playbook("verify.yml").status == 0


def test_destroy_wants_the_cluster_s_name(cluster: Cluster) -> None:
    run = cluster.playbook("destroy.yml", "-e", "confirm=other")
    assert run.status != 0
    assert "confirm is 'other'" in run.output
    assert sorted(cluster.droplets()) == sorted(NODES)


def end_orphans(folder: Path) -> None:
    """End what Ansible leaves behind a kill -9: a worker in a session of its own, holding a result nobody reads."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


@pytest.mark.parametrize("stage", ["droplets", "certificates", "bootstrap"])
def test_run_killed_in_a_stage_is_finished_by_the_next(
    cloud: Cloud, cluster: Cluster, tmp_path: Path, stage: str
) -> None:
    small = Cluster(cloud=cloud, name=f"k-{stage}", output_dir=tmp_path, workers=0)
    log = tmp_path / "first.log"
    with log.open("w") as output:
        first = subprocess.Popen(
            small.playbook_words("site.yml"),
            cwd=REPOSITORY,
            env=small.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        starts = {
            "droplets": "TASK [flotilla.coreos.droplets : ",
            "certificates": "TASK [flotilla.coreos.certificates : ",
            "bootstrap": "TASK [flotilla.coreos.bootstrap : ",
        }
        wait_until(lambda: starts[stage] in log.read_text(), f"stage {stage}")
        time.sleep(0.7)  # somewhere inside the stage, not at its edge
        os.killpg(first.pid, signal.SIGKILL)
        first.wait(timeout=10)
    token = small.discovery_tags()
    assert len(token) == 1
    second = small.playbook("site.yml")
    end_orphans(tmp_path)
    assert second.status == 0
    assert small.discovery_tags() == token
    assert list(small.droplets()) == [f"k-{stage}-control-plane-1"]
    removed = small.playbook("destroy.yml", "-e", f"confirm={small.name}")
    assert removed.status == 0


def test_destroy_leaves_nothing_of_the_cluster_in_the_account(cluster: Cluster) -> None:
    run = cluster.playbook("destroy.yml", "-e", "confirm=demo")
    assert run.status == 0
    assert cluster.droplets() == {}
    tags = [tag["name"] for tag in cluster.cloud.get("tags?per_page=200")["tags"]]
    assert [tag for tag in tags if tag.startswith("flotilla:demo")] == []
    assert cluster.cloud.get("account/keys")["ssh_keys"] == []


def test_stopping_the_cloud_leaves_nothing_on_the_machine(cloud: Cloud) -> None:
    stopped = cloud.command("stop", "--name", cloud.name, "--purge")
    assert stopped.status == 0
    assert not (cloud.home / cloud.name).exists()
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"lc-{cloud.name}" not in namespaces
    assert str(cloud.home) not in Path("/proc/mounts").read_text()
    groups = [path for path in Path("/sys/fs/cgroup").rglob("*") if path.is_dir() and cloud.name in path.name]
    assert groups == []
    commands = [p.read_bytes().decode(errors="replace") for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    assert [line for line in commands if str(cloud.home) in line and "pytest" not in line] == []
