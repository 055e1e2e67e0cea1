# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's scripts, run for real below a folder of the test's own, against small servers on loopback."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from ansible_collections.flotilla.coreos.plugins.module_utils._node.archive import File, pack, unpack
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import Authorities, mint
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.issue import issue, plan_node, read_requests
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import ClusterNames, Droplet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOOLS = ("bash", "curl", "jq", "openssl", "tar", "ip")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)} as they are on a node"
)
Files = dict[str, dict[str, str]]
MOVED = ("/opt/flotilla", "/opt/bin", "/opt/cni", "/etc/flotilla", "/etc/kubernetes", "/etc/cni", "/etc/systemd")
MOVED_TOO = ("/var/lib/flotilla", "/run/flotilla", "/run/flannel")
METADATA = {
    "droplet_id": 7,
    "hostname": "blue-worker-1.example.test",
    "region": "fra1",
    "interfaces": {
        "public": [{"ipv4": {"ip_address": "192.0.2.7"}}],
        "private": [{"ipv4": {"ip_address": "127.0.0.1"}}],
    },
}
DEADLINE_S = 15.0


class Node:
    """A node's files below a folder, with the paths in its scripts moved there."""

    def __init__(self, root: Path, files: Files) -> None:
        self.root = root
        self.replaced = {path: f"{root}{path}" for path in (*MOVED, *MOVED_TOO)}
        self.programs = root / "stubs"
        self.programs.mkdir()
        for file in files.values():
            self.write(file["path"], self.move(file["content"]), int(file["mode"], 8))

    def move(self, text: str) -> str:
        for path, moved in self.replaced.items():
            text = text.replace(path, moved)
        return text

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def stub(self, name: str, script: str) -> None:
        """Put a program of the test's own in front of the machine's."""
        program = self.programs / name
        program.write_text(f"#!/bin/bash\n{script}\n")
        program.chmod(0o755)

    def start(self, script: str, *arguments: str, stdin: bytes = b"") -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [str(self.path(f"/opt/flotilla/bin/{script}")), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": f"{self.programs}:{os.environ['PATH']}"},
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, script: str, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run to the end; a failure shows what the script said."""
        process = self.start(script, *arguments, stdin=stdin)
        out, err = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, (out, err)
        return out

    def progress(self, unit: str) -> str:
        path = self.path(f"/run/flotilla/progress/{unit}.service")
        return path.read_text().strip() if path.exists() else ""

    def identify(self, name: str = "blue-worker-1") -> None:
        self.write(
            "/etc/flotilla/identity.env",
            f"NODE_NAME='{name}'\nDROPLET_ID='7'\nREGION='fra1'\nPUBLIC_IPV4='192.0.2.7'\nPRIVATE_IPV4='127.0.0.1'\n",
        )


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def worker(tmp_path: Path, render: Callable[..., Files]) -> Node:
    node = Node(tmp_path, render("worker"))
    node.identify()
    return node


@pytest.fixture
def control_plane(tmp_path: Path, render: Callable[..., Files]) -> Node:
    node = Node(tmp_path, render("control-plane"))
    node.identify("blue-control-plane-1")
    return node


class Handler(BaseHTTPRequestHandler):
    """Files by path, with ranges; and what goes wrong with them."""

    files: ClassVar[dict[str, bytes]] = {}
    cut_once: ClassVar[set[str]] = set()
    ranges: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        content = self.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        first = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        if asked:
            self.ranges.append(asked)
        if first >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - first))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.path in self.cut_once:
            self.cut_once.discard(self.path)
            self.wfile.write(content[first : first + len(content) // 2])
            return
        self.wfile.write(content[first:])

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Discovery(BaseHTTPRequestHandler):
    """The v2 protocol for one token."""

    registered: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.removeprefix("/token").strip("/")
        if name:
            found = self.registered.get(name)
            self.answer(200 if found else 404, {"node": {"value": found}} if found else {"errorCode": 100})
            return
        nodes = [
            {"key": f"/_etcd/registry/token/{key}", "value": value, "createdIndex": 10 + index}
            for index, (key, value) in enumerate(self.registered.items())
        ]
        # The service keeps no order.
        self.answer(200, {"node": {"nodes": nodes[::-1]}})

    def do_PUT(self) -> None:
        name = urlsplit(self.path).path.rsplit("/", 1)[-1]
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert "prevExist=false" in self.path
        if name in self.registered:
            self.answer(412, {"errorCode": 105, "message": "Key already exists"})
            return
        self.registered[name] = body["value"][0]
        self.answer(201, {"node": {"value": self.registered[name]}})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Handler, "files", {})
    monkeypatch.setattr(Handler, "cut_once", set())
    monkeypatch.setattr(Handler, "ranges", [])
    yield from serve(Handler)


@pytest.fixture
def discovery(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Discovery, "registered", {})
    yield from serve(Discovery)


# --- identity ---------------------------------------------------------------------------------------------------------


def test_identity_is_learnt_once_and_stands_without_the_metadata_service(
    tmp_path: Path, mirror: str, render: Callable[..., Files]
) -> None:
    node = Node(tmp_path, render("worker"))
    script = node.path("/opt/flotilla/bin/node-identity")
    script.write_text(script.read_text().replace("http://169.254.169.254", mirror))
    Handler.files["/metadata/v1.json"] = json.dumps(METADATA).encode()
    node.run("node-identity")
    identity = node.path("/etc/flotilla/identity.env").read_text()
    assert "NODE_NAME='blue-worker-1'" in identity
    assert "PRIVATE_IPV4='127.0.0.1'" in identity
    assert "providerID: digitalocean://7" in node.path("/etc/kubernetes/kubelet.d/10-node.conf").read_text()
    Handler.files.clear()
    node.run("node-identity")
    assert node.path("/etc/flotilla/identity.env").read_text() == identity


# --- keys and certificates --------------------------------------------------------------------------------------------


def test_keys_are_private_and_stay_what_they_are(control_plane: Node) -> None:
    control_plane.run("node-keys")
    pki = control_plane.path("/etc/kubernetes/pki")
    keys = {path: path.read_text() for path in pki.rglob("*.key")}
    assert len(keys) == 16
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    (pki / "kubelet.csr").unlink()
    control_plane.run("node-keys")
    assert {path: path.read_text() for path in keys} == keys
    assert (pki / "kubelet.csr").stat().st_size > 0


def test_requests_are_refused_with_the_unit_that_has_not_finished(worker: Node) -> None:
    process = worker.start("node-requests", "0")
    _, error = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 75
    assert error.startswith(b"node-keys.service has not finished")


def sign(node: Node, *, is_control_plane: bool, authorities: Authorities) -> list[File]:
    """Do what the controller does with a node's requests."""
    now = datetime.datetime.now(datetime.UTC)
    name = "blue-control-plane-1" if is_control_plane else "blue-worker-1"
    droplet = Droplet(name=name, is_control_plane=is_control_plane, private_ipv4="127.0.0.1", public_ipv4="192.0.2.7")
    names = ClusterNames(cluster_domain="cluster.local", service_api_ip="10.245.0.1")
    sent = read_requests(name, unpack(node.run("node-requests")), droplet_id="7")
    plan = plan_node(droplet, names, sent, authorities, now=now, renew_days=90)
    return issue(droplet, plan, authorities, now=now)[0]


@pytest.fixture(scope="module")
def authorities() -> Authorities:
    return mint("blue", now=datetime.datetime.now(datetime.UTC))


def test_a_control_plane_gets_its_certificates_once_the_authorities_are_there(
    control_plane: Node, authorities: Authorities
) -> None:
    control_plane.run("node-keys")
    gate = control_plane.start("certificates")
    control_plane.run(
        "node-certificates", stdin=pack(sign(control_plane, is_control_plane=True, authorities=authorities))
    )
    wait_until(lambda: control_plane.progress("certificates") == "waits for the authorities")
    control_plane.write("/var/lib/flotilla/authorities/kubernetes-ca.key", "key")
    assert gate.wait(timeout=DEADLINE_S) == 0
    encryption = yaml.safe_load(control_plane.path("/etc/kubernetes/encryption.yaml").read_text())
    assert encryption["resources"][0]["providers"][0]["secretbox"]["keys"][0]["secret"] == authorities.encryption_key
    kubeconfig = yaml.safe_load(control_plane.path("/etc/kubernetes/scheduler.conf").read_text())
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:7443"
    assert control_plane.path("/etc/kubernetes/scheduler.conf").stat().st_mode & 0o777 == 0o600
    assert not control_plane.path("/var/lib/flotilla/certificates").exists()
    gate.communicate()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda files, _: [file for file in files if file.path != "kubelet.crt"], "kubelet.crt is missing"),
        (
            lambda files, _: [
                File(path="kubelet.crt", content=next(f.content for f in files if f.path == "kube-proxy.crt")),
                *(file for file in files if file.path != "kubelet.crt"),
            ],
            "kubelet.crt belongs to another key",
        ),
        (
            lambda files, other: [
                File(path="ca.crt", content=other.authority_files(is_control_plane=False)["ca.crt"]),
                *(file for file in files if file.path != "ca.crt"),
            ],
            "error",
        ),
    ],
    ids=["missing", "another key", "another authority"],
)
def test_certificates_that_do_not_fit_are_refused_and_the_next_ones_taken(
    worker: Node,
    authorities: Authorities,
    spoil: Callable[[list[File], Authorities], list[File]],
    reason: str,
) -> None:
    worker.run("node-keys")
    files = sign(worker, is_control_plane=False, authorities=authorities)
    other = mint("red", now=datetime.datetime.now(datetime.UTC))
    gate = worker.start("certificates")
    worker.run("node-certificates", stdin=pack(spoil(files, other)))
    wait_until(lambda: worker.progress("certificates").startswith("refused: "))
    assert reason in worker.progress("certificates")
    assert not worker.path("/etc/kubernetes/pki/kubelet.crt").exists()
    worker.run("node-certificates", stdin=pack(files))
    assert gate.wait(timeout=DEADLINE_S) == 0
    gate.communicate()
    assert worker.path("/etc/kubernetes/pki/kubelet.crt").exists()


def test_a_renewal_is_put_in_place_although_the_gate_has_long_been_passed(
    worker: Node, authorities: Authorities
) -> None:
    worker.run("node-keys")
    files = sign(worker, is_control_plane=False, authorities=authorities)
    worker.run("node-certificates", stdin=pack(files))
    worker.run("certificates")
    renewed = worker.path("/etc/kubernetes/pki/kube-proxy.crt")
    content = renewed.read_bytes()
    renewed.write_bytes(b"old")
    worker.run("node-certificates", stdin=pack([File(path="kube-proxy.crt", content=content)]))
    assert renewed.read_bytes() == content


# --- artifacts --------------------------------------------------------------------------------------------------------


def artifact(name: str, urls: list[str], content: bytes, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "urls": urls,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
    } | more


@pytest.fixture
def declare(worker: Node, render: Callable[..., Files]) -> Callable[..., None]:
    """Return a function that gives the worker another list of artifacts."""

    def declare_them(*artifacts: dict[str, Any]) -> None:
        text = render("worker", artifacts=list(artifacts))["/etc/flotilla/artifacts.list"]["content"]
        worker.write("/etc/flotilla/artifacts.list", worker.move(text))

    return declare_them


def test_a_cut_download_is_resumed_where_it_stopped(worker: Node, mirror: str, declare: Callable[..., None]) -> None:
    content = os.urandom(200_000)
    Handler.files["/kubelet"] = content
    Handler.cut_once.add("/kubelet")
    declare(artifact("kubelet", [f"{mirror}/kubelet"], content, dest="/opt/bin/kubelet"))
    worker.run("artifacts")
    assert worker.path("/opt/bin/kubelet").read_bytes() == content
    assert worker.path("/opt/bin/kubelet").stat().st_mode & 0o777 == 0o755
    assert Handler.ranges == ["bytes=100000-"]


def test_wrong_bytes_are_thrown_away_and_the_next_address_is_asked(
    worker: Node, mirror: str, declare: Callable[..., None]
) -> None:
    Handler.files |= {"/bad": b"bad bytes", "/good": b"good bytes"}
    declare(
        artifact("kubelet", [f"{mirror}/bad", f"{mirror}/good"], b"good bytes", dest="/opt/bin/kubelet"),
    )
    said = worker.run("artifacts").decode()
    assert f"kubelet from {mirror}/bad has another checksum" in said
    assert worker.path("/opt/bin/kubelet").read_bytes() == b"good bytes"


def test_members_come_out_of_an_archive_without_their_folder(
    worker: Node, mirror: str, declare: Callable[..., None]
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("etcd-v3/etcd", "etcd-v3/etcdctl", "etcd-v3/README.md"):
            entry = tarfile.TarInfo(name)
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    Handler.files["/etcd.tar.gz"] = buffer.getvalue()
    members = ["etcd", "etcdctl"]
    declare(
        artifact("etcd", [f"{mirror}/etcd.tar.gz"], buffer.getvalue(), dest="/opt/bin", members=members),
    )
    worker.run("artifacts")
    assert sorted(path.name for path in worker.path("/opt/bin").iterdir()) == members
    assert worker.path("/opt/bin/etcd").read_text() == "etcd-v3/etcd"


def test_what_is_in_place_is_not_asked_for_again(worker: Node, mirror: str, declare: Callable[..., None]) -> None:
    Handler.files["/kubelet"] = b"kubelet"
    declare(artifact("kubelet", [f"{mirror}/kubelet"], b"kubelet", dest="/opt/bin/kubelet"))
    worker.run("artifacts")
    Handler.files.clear()
    assert worker.run("artifacts").decode().strip() == "all binaries are in place"


# --- discovery --------------------------------------------------------------------------------------------------------


@pytest.fixture
def member(tmp_path: Path, discovery: str, render: Callable[..., Files]) -> Callable[[int], Node]:
    """Return a function that makes a control plane of a cluster with that many members."""

    def make(size: int) -> Node:
        node = Node(tmp_path, render("control-plane", discovery_token_url=f"{discovery}/token", etcd_size=size))
        node.identify("blue-control-plane-1")
        return node

    return make


OWN = "blue-control-plane-1=https://127.0.0.1:2380"


def test_a_control_plane_registers_and_writes_the_initial_cluster(member: Callable[[int], Node]) -> None:
    node = member(2)
    process = node.start("etcd-members")
    wait_until(lambda: node.progress("etcd-members") == "1 of 2 control planes are registered with discovery")
    Discovery.registered["blue-control-plane-2"] = "blue-control-plane-2=https://10.0.0.2:2380"
    assert process.wait(timeout=DEADLINE_S) == 0
    process.communicate()
    environment = node.path("/etc/flotilla/etcd.env").read_text()
    assert f"ETCD_INITIAL_CLUSTER='{OWN},blue-control-plane-2=https://10.0.0.2:2380'" in environment
    assert "ETCD_INITIAL_CLUSTER_TOKEN='token'" in environment
    assert node.path("/var/lib/flotilla/etcd-members").read_text() == "127.0.0.1:2379\n10.0.0.2:2379\n"


def test_a_registration_of_an_earlier_try_counts(member: Callable[[int], Node]) -> None:
    Discovery.registered["blue-control-plane-1"] = OWN
    node = member(1)
    node.run("etcd-members")
    assert list(Discovery.registered) == ["blue-control-plane-1"]
    assert f"ETCD_INITIAL_CLUSTER='{OWN}'" in node.path("/etc/flotilla/etcd.env").read_text()


def test_a_control_plane_that_finds_the_token_full_waits_to_be_added(member: Callable[[int], Node]) -> None:
    Discovery.registered["blue-control-plane-9"] = "blue-control-plane-9=https://10.0.0.9:2380"
    node = member(1)
    process = node.start("etcd-members")
    wait_until(lambda: node.progress("etcd-members").startswith("the token is full"))
    assert not node.path("/etc/flotilla/etcd.env").exists()
    node.write("/etc/flotilla/etcd.env", "ETCD_INITIAL_CLUSTER_STATE='existing'\n")
    assert process.wait(timeout=DEADLINE_S) == 0
    process.communicate()
    assert node.path("/var/lib/flotilla/etcd-members").read_text() == "10.0.0.9:2379\n"


def test_a_worker_reads_the_members_and_needs_no_discovery_afterwards(
    tmp_path: Path, discovery: str, render: Callable[..., Files]
) -> None:
    Discovery.registered["blue-control-plane-1"] = "blue-control-plane-1=https://10.0.0.1:2380"
    node = Node(tmp_path, render("worker", discovery_token_url=f"{discovery}/token", etcd_size=1))
    node.identify()
    node.run("etcd-members")
    assert list(Discovery.registered) == ["blue-control-plane-1"]
    Discovery.registered.clear()
    node.run("etcd-members")
    assert node.path("/var/lib/flotilla/etcd-members").read_text() == "10.0.0.1:2379\n"


# --- the local balancer ---------------------------------------------------------------------------------------------


class Balanced:
    """A worker whose API servers, etcd and gateway programs are stubs that follow files."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.published = node.root / "published"
        self.ready = node.root / "ready"
        self.started = node.root / "started"
        for file in (self.published, self.ready, self.started):
            file.write_text("")
        node.path("/run/flotilla").mkdir(parents=True, exist_ok=True)
        node.stub("etcdctl", f"cat {self.published}")
        node.stub("curl", f'for word; do [[ $word == https://* ]] && grep -qF "$word" {self.ready}; done')
        self.listeners = node.root / "listeners"
        listen = f"echo $$ >>{self.listeners}; exec /bin/sleep 60"
        node.stub("etcd", f'echo "etcd ${{*: -2:1}}" >>{self.started}; {listen}')
        node.stub("socat", f"echo holds >>{self.started}; {listen}")
        node.stub("sleep", "exec /bin/sleep 0.05")

    def publish(self, *addresses: str) -> None:
        self.published.write_text("".join(f"{address}\n" for address in addresses))

    def make_ready(self, *addresses: str) -> None:
        self.ready.write_text("".join(f"https://{address}:6443/readyz\n" for address in addresses))

    def last_started(self) -> str:
        return (self.started.read_text().splitlines() or [""])[-1]


@pytest.fixture
def balanced(worker: Node) -> Iterator[Balanced]:
    cluster = Balanced(worker)
    process = worker.start("apiserver-gateway")
    yield cluster
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    # Listeners have process groups of their own.
    for pid in cluster.listeners.read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def test_connections_are_held_until_an_api_server_is_ready(balanced: Balanced) -> None:
    balanced.publish("10.0.0.1", "10.0.0.2")
    wait_until(lambda: balanced.last_started() == "holds")
    balanced.make_ready("10.0.0.2")
    wait_until(lambda: balanced.last_started() == "etcd --endpoints=10.0.0.2:6443")
    opened = balanced.node.path("/run/flotilla/apiserver.gate.open")
    wait_until(lambda: opened.exists() and opened.read_text() == "10.0.0.2\n")


def test_a_lost_api_server_leaves_the_balancer_and_the_last_one_stays(balanced: Balanced) -> None:
    balanced.publish("10.0.0.1", "10.0.0.2")
    balanced.make_ready("10.0.0.1", "10.0.0.2")
    wait_until(lambda: balanced.last_started() == "etcd --endpoints=10.0.0.1:6443,10.0.0.2:6443")
    balanced.make_ready("10.0.0.1")
    wait_until(lambda: balanced.last_started() == "etcd --endpoints=10.0.0.1:6443")
    balanced.make_ready()
    wait_until(lambda: balanced.node.progress("apiserver-gateway").startswith("no API server is ready: "))
    assert balanced.last_started() == "etcd --endpoints=10.0.0.1:6443"


def test_an_empty_answer_of_etcd_leaves_the_list_on_disk(balanced: Balanced) -> None:
    kept = balanced.node.path("/var/lib/flotilla/apiservers")
    balanced.publish("10.0.0.1")
    wait_until(lambda: kept.exists() and kept.read_text() == "10.0.0.1\n")
    balanced.publish()
    balanced.make_ready("10.0.0.1")
    wait_until(lambda: balanced.last_started() == "etcd --endpoints=10.0.0.1:6443")
    assert kept.read_text() == "10.0.0.1\n"


# --- network and status -----------------------------------------------------------------------------------------------


def test_the_pod_network_is_the_lease_without_its_host_bits(worker: Node) -> None:
    lease = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.5.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"
    worker.write("/run/flannel/subnet.env", lease)
    worker.stub("ip", "exit 1")
    worker.run("pod-network", "cni")
    path = worker.path("/etc/cni/net.d/10-flannel.conflist")
    bridge = json.loads(path.read_text())["plugins"][0]
    assert bridge["mtu"] == 1450
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.5.0/24"}]]
    assert path.stat().st_mode & 0o777 == 0o600


SHOWN = """Id={unit}
ActiveState={state}
ConditionResult=yes
NRestarts=0
InactiveExitTimestampMonotonic=2000000
ActiveEnterTimestampMonotonic={entered}
"""


def show(**states: str) -> str:
    names = {"artifacts_service": "artifacts.service", "target": "kubernetes.target", "multi": "multi-user.target"}
    return "\n".join(
        SHOWN.format(unit=names[name], state=state, entered=5500000 if state == "active" else 0)
        for name, state in states.items()
    )


def test_status_tells_state_times_and_progress_of_each_unit(worker: Node, tmp_path: Path) -> None:
    (tmp_path / "shown").write_text(show(artifacts_service="activating", target="inactive", multi="inactive"))
    worker.stub("systemctl", f"cat {tmp_path}/shown")
    worker.write("/run/flotilla/progress/artifacts.service", "kubelet 43% of 78 MiB: half an hour\n")
    status = json.loads(worker.run("node-status"))
    assert status["target"] == status["multi_user"] == "inactive"
    assert status["units"] == [
        {
            "name": "artifacts.service",
            "state": "running",
            "since_s": 2,
            "done_s": None,
            "text": "kubelet 43% of 78 MiB: half an hour",
            "restarts": 0,
        }
    ]


def test_status_waits_for_news(worker: Node, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    shown.write_text(show(artifacts_service="activating", target="inactive", multi="inactive"))
    worker.stub("systemctl", f"cat {shown}")
    digest = json.loads(worker.run("node-status"))["digest"]
    waiting = worker.start("node-status", "--wait", digest, "--timeout", "10")
    shown.write_text(show(artifacts_service="active", target="active", multi="active"))
    status = json.loads(waiting.communicate(timeout=DEADLINE_S)[0])
    assert (status["units"][0]["state"], status["units"][0]["done_s"]) == ("done", 5.5)
    assert status["digest"] != digest
    assert (
        json.loads(worker.run("node-status", "--wait", status["digest"], "--timeout", "0"))["digest"]
        == status["digest"]
    )
