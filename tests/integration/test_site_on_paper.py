"""site.yml against paper droplets: what an operator sees when the declaration, the account or a service is wrong.

The account is the local cloud's without machines; the discovery service and the mirror are stand-ins on loopback.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.operate import BIN, REPOSITORY, Cloud, Cluster, Run, execute

NOBODY_LISTENS = "http://127.0.0.1:9"
ARTIFACT = b"an artifact"


class Neighbours(BaseHTTPRequestHandler):
    """A discovery service that hands out tokens, and a mirror on which every file has the same bytes."""

    def do_GET(self) -> None:
        """Answer for both."""
        host = self.headers["Host"]
        if self.path.startswith("/new"):
            self._send(200, f"http://{host}/{secrets.token_hex(16)}".encode())
        elif self.path.startswith("/nonsense/new"):
            self._send(200, b"<html>Welcome to the hotel's wireless network</html>")
        elif self.path.endswith(".sha256"):
            self._send(200, hashlib.sha256(ARTIFACT).hexdigest().encode())
        else:
            self._send(200, json.dumps({"node": {"dir": True, "key": "/x"}}).encode())

    def do_HEAD(self) -> None:
        """Say that a file is there."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(ARTIFACT)))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keep the test's output to the test."""

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def neighbours() -> Iterator[str]:
    """Serve the stand-ins; the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Neighbours)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module")
def paper(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A local cloud without machines."""
    return start_cloud("--droplet-limit", "4")


@pytest.fixture
def declared(paper: Cloud, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that is only declared so far, in an empty account."""
    yield Cluster(cloud=paper, name="demo", output_dir=tmp_path)
    for tag in paper.get("tags?per_page=200")["tags"]:
        paper.delete(f"tags/{tag['name']}")
    paper.delete(f"account/keys/{paper.key_fingerprint}")


def site(cluster: Cluster, neighbours: str, *words: str, **variables: object) -> Run:
    """Run site.yml with these variables on top of the stand-ins' addresses."""
    services = {"discovery_url": neighbours, "artifact_mirror": neighbours, "registry_mirror": ""}
    return cluster.playbook("site.yml", "-e", json.dumps(services | variables), *words)


def nothing_was_made(cluster: Cluster) -> bool:
    """Tell whether the account is as empty as before."""
    return not (
        cluster.droplets() or cluster.cloud.get("tags")["tags"] or cluster.cloud.get("account/keys")["ssh_keys"]
    )


def test_dry_run_from_nothing_predicts_the_cluster_and_makes_nothing(declared: Cluster, neighbours: str) -> None:
    run = site(declared, neighbours, "--check", "--diff")
    assert run.status == 0
    assert run.recap("changed") == 3  # token, key, droplets
    for name in ("demo-control-plane-1", "demo-worker-1", "demo-worker-2"):
        assert name in run.output
    assert "#cloud-config" not in run.output
    assert nothing_was_made(declared)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        pytest.param({"digitalocean_api_token": "wrong"}, ["401", "token"], id="wrong-token"),
        pytest.param({"region": "mars1"}, ["region is 'mars1'", "fra1"], id="unknown-region"),
        pytest.param({"pools": [{"name": "worker", "count": 1, "size": "s-9"}]}, ["s-9"], id="unknown-size"),
        pytest.param({"image": "coreos-stable"}, ["coreos-stable"], id="unknown-image"),
        pytest.param({"cluster_name": "Bad_Name"}, ["cluster_name is 'Bad_Name'"], id="name-no-host-name"),
        pytest.param({"cluster_name": "n" * 60}, ["n" * 60], id="name-too-long"),
        pytest.param({"control_plane": {"count": 2, "size": "s-2vcpu-4gb"}}, ["etcd_size is 2", "odd"], id="even-size"),
        pytest.param({"etcd_size": 3}, ["etcd_size is 3"], id="more-members-than-control-planes"),
        pytest.param(
            {"pools": [{"name": "control-plane", "count": 1, "size": "s-2vcpu-2gb"}]},
            ["control-plane"],
            id="reserved-pool",
        ),
        pytest.param({"pools": [{"name": "w", "count": 9, "size": "s-2vcpu-2gb"}]}, ["limit", "4"], id="droplet-limit"),
        pytest.param({"pod_network": "10.245.0.0/17"}, ["pod_network", "10.245.0.0"], id="networks-overlap"),
        pytest.param({"discovery_url": NOBODY_LISTENS}, [NOBODY_LISTENS], id="discovery-down"),
        pytest.param({"artifact_mirror": NOBODY_LISTENS}, ["kubelet", NOBODY_LISTENS], id="mirror-down"),
        pytest.param({"digitalocean_api_url": NOBODY_LISTENS + "/v2/"}, [NOBODY_LISTENS], id="api-down"),
    ],
)
def test_what_cannot_work_is_said_before_a_droplet_is_made(
    declared: Cluster, neighbours: str, variables: dict[str, object], words: list[str]
) -> None:
    run = site(declared, neighbours, **variables)
    assert run.status != 0
    for word in words:
        assert word in run.output
    assert "Traceback" not in run.output
    assert declared.droplets() == {}


def test_discovery_that_answers_nonsense_is_quoted(declared: Cluster, neighbours: str) -> None:
    run = site(declared, neighbours, discovery_url=f"{neighbours}/nonsense")
    assert run.status != 0
    assert "hotel" in run.output


def test_inventory_with_a_wrong_token_says_so_without_a_traceback(tmp_path: Path, paper: Cloud) -> None:
    source = tmp_path / "x.droplets.yml"
    source.write_text(
        f"plugin: flotilla.coreos.droplets\napi_url: {paper.connection['api_url']}\napi_token: wrong\n",
        encoding="utf-8",
    )
    run = execute([str(BIN / "ansible-inventory"), "-i", str(source), "--list"], paper.environment, 60)
    assert run.status != 0
    assert "401" in run.output
    assert "Traceback" not in run.output


def test_collection_works_installed_as_from_a_checkout(declared: Cluster, neighbours: str, tmp_path: Path) -> None:
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    built = execute([*galaxy, "build", "--output-path", str(tmp_path)], declared.environment, 120)
    assert built.status == 0
    archive = next(tmp_path.glob("flotilla-coreos-*.tar.gz"))

    # From an empty folder and without the checkout's configuration, so that nothing of it is found by chance.
    empty, installed = tmp_path / "empty", tmp_path / "collections"
    empty.mkdir()
    environment = declared.environment | {
        "ANSIBLE_COLLECTIONS_PATH": str(installed),
        "ANSIBLE_INVENTORY_ENABLED": "flotilla.coreos.droplets,yaml",
    }
    install = [*galaxy, "install", str(archive), "-p", str(installed), "--offline"]
    assert execute(install, environment, 120, folder=empty).status == 0
    files = {path.name for path in (installed / "ansible_collections/flotilla/coreos").iterdir()}
    assert {"plugins", "roles", "playbooks", "meta"} <= files
    assert not {"local_cloud", "tests", "collections", "bench"} & files

    variables = {"discovery_url": neighbours, "artifact_mirror": neighbours, "registry_mirror": ""}
    playbook = [str(BIN / "ansible-playbook"), "-i", str(REPOSITORY / "inventory" / "local"), "flotilla.coreos.site"]
    run = execute([*playbook, "--check", "-e", json.dumps(variables)], environment, 120, folder=empty)
    assert (run.status, run.recap("changed")) == (0, 3)
