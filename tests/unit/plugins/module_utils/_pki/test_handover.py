# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exchange with nodes that are folders: the controller's scripts run for real, the nodes' own are stand-ins."""

from __future__ import annotations

import dataclasses
import datetime
import os
import time
from pathlib import Path

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError, WaitTimeoutError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError, NodesFailedError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.process import Holder
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import Authorities
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.handover import (
    Handover,
    Node,
    OrphanedCertificatesError,
    Settings,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import Droplet, RefusedRequestError
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.store import LockedError
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import SystemClock
from tests.unit.node_fakes import FolderTransport, connect

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
NODE_REQUESTS = """#!/bin/bash
cd {root}/pki && tar -cf - identity.env $(find . -name '*.csr' -o -name '*.crt' ! -name 'ca.crt' ! -name '*-ca.crt')
"""
NODE_CERTIFICATES = """#!/bin/bash
tar -C {root}/pki -xf -
"""


class Machine:
    """A node's folder."""

    def __init__(self, root: Path, droplet: Droplet, requests: dict[str, bytes]) -> None:
        self.root, self.droplet = root, droplet
        tools = root / "opt/flotilla/bin"
        tools.mkdir(parents=True)
        (root / "var/lib/flotilla").mkdir(parents=True)
        self.tool("node-requests", NODE_REQUESTS)
        self.tool("node-certificates", NODE_CERTIFICATES)
        (root / "pki/etcd").mkdir(parents=True)
        (root / "pki/identity.env").write_text(f"NODE_NAME='{droplet.name}'\n")
        for name, pem in requests.items():
            (root / f"pki/{name}.csr").write_bytes(pem)
        self.transport = FolderTransport(root)

    def tool(self, name: str, text: str) -> None:
        path = self.root / "opt/flotilla/bin" / name
        path.write_text(text.format(root=self.root))
        path.chmod(0o755)

    @property
    def authorities(self) -> Path:
        return self.root / "var/lib/flotilla/authorities"

    @property
    def lock(self) -> Path:
        return self.root / "var/lib/flotilla/lock"

    def certificates(self) -> set[str]:
        found = (self.root / "pki").rglob("*.crt")
        names = {str(path.relative_to(self.root / "pki").with_suffix("")) for path in found}
        return names - {"ca", "etcd/ca", "front-proxy-ca"}


def droplet(name: str, number: int, *, is_control_plane: bool) -> Droplet:
    return Droplet(
        name=name,
        is_control_plane=is_control_plane,
        private_ipv4=f"10.135.0.{number}",
        public_ipv4=f"198.51.100.{number}",
    )


@pytest.fixture
def machines(tmp_path, requests_of):
    droplets = [
        droplet("demo-control-plane-1", 2, is_control_plane=True),
        droplet("demo-control-plane-2", 3, is_control_plane=True),
        droplet("demo-worker-1", 4, is_control_plane=False),
    ]
    return {one.name: Machine(tmp_path / one.name, one, requests_of(one)) for one in droplets}


@pytest.fixture
def run(cluster):
    """Run a handover; the lines it said are in run.said."""

    def go(machines, *, is_dry=False, timeout_s=20, holder=None, now=NOW, ready=()):
        nodes = [
            Node(
                droplet=machine.droplet,
                connection=connect(name, machine.transport, SystemClock()),
                was_ready=name in ready,
            )
            for name, machine in machines.items()
        ]
        settings = Settings(cluster_name="demo", names=cluster, timeout_s=timeout_s, renew_days=90, is_dry=is_dry)
        handover = Handover(
            nodes,
            settings,
            holder=holder or Holder.of_process(os.getpid(), now=NOW),
            clock=SystemClock(),
            now=lambda: now,
            say=go.said.append,
        )
        return handover.run()

    go.said = []
    return go


def test_new_cluster_gets_authorities_and_everyone_certificates(machines, run):
    outcome = run(machines)
    assert outcome.is_minted
    assert {name: len(node.signed) for name, node in outcome.nodes.items()} == {
        "demo-control-plane-1": 16,
        "demo-control-plane-2": 16,
        "demo-worker-1": 5,
    }
    assert machines["demo-worker-1"].certificates() == {
        "kubelet",
        "kubelet-server",
        "kube-proxy",
        "etcd/flannel",
        "etcd/node",
    }
    assert "demo-worker-1: 5 certificates signed" in run.said


def test_authorities_are_on_every_control_plane_for_root_only_and_on_no_worker(machines, run):
    outcome = run(machines)
    for name in ("demo-control-plane-1", "demo-control-plane-2"):
        files = {path.name: path.read_bytes() for path in machines[name].authorities.iterdir()}
        assert Authorities.from_files(files).is_same_as(outcome.authorities)
        assert {path.stat().st_mode & 0o777 for path in machines[name].authorities.iterdir()} == {0o600}
        assert machines[name].authorities.stat().st_mode & 0o777 == 0o700
    assert not machines["demo-worker-1"].authorities.exists()


def test_authorities_are_stored_before_the_first_signature(machines, run):
    for machine in machines.values():
        stored = " && ".join(f"[ -e {machines[f'demo-control-plane-{n}'].authorities}/sa.key ]" for n in (1, 2))
        machine.tool(
            "node-certificates", f"#!/bin/bash\n{stored} || {{{{ echo too early >&2; exit 1; }}}}\ncat >/dev/null\n"
        )
    assert run(machines).is_minted


def test_second_run_signs_nothing_and_hands_nothing_back(machines, run):
    run(machines)
    for machine in machines.values():
        machine.transport.commands.clear()
    outcome = run(machines, now=NOW + datetime.timedelta(days=3))
    assert not outcome.is_minted
    assert not any(node.signed for node in outcome.nodes.values())
    commands = [command for machine in machines.values() for command in machine.transport.commands]
    assert not [command for command in commands if "node-certificates" in command]


def test_interrupted_before_any_certificate_uses_the_stored_authorities(machines, run, authorities):
    keeper = machines["demo-control-plane-2"].authorities
    keeper.mkdir()
    for name, content in authorities.to_files().items():
        (keeper / name).write_bytes(content)
    outcome = run(machines)
    assert not outcome.is_minted
    assert outcome.authorities.is_same_as(authorities)
    assert (machines["demo-control-plane-1"].authorities / "etcd-ca.key").exists()


def test_new_worker_later_gets_certificates_of_the_same_authorities(machines, run, tmp_path, requests_of):
    first = run(machines)
    late = droplet("demo-worker-2", 5, is_control_plane=False)
    machines["demo-worker-2"] = Machine(tmp_path / late.name, late, requests_of(late))
    outcome = run(machines)
    assert {name for name, node in outcome.nodes.items() if node.signed} == {"demo-worker-2"}
    assert outcome.authorities.is_same_as(first.authorities)


def test_lost_authorities_are_never_made_anew(machines, run):
    run(machines)
    for name in ("demo-control-plane-1", "demo-control-plane-2"):
        machines[name].authorities.rename(machines[name].root / "gone")
    with pytest.raises(OrphanedCertificatesError, match="1, demo-control-plane-2, demo-worker-1 have"):
        run(machines)
    assert not machines["demo-control-plane-1"].authorities.exists()


def test_different_authorities_stop_the_run(machines, run, other_authorities):
    run(machines)
    keeper = machines["demo-control-plane-2"].authorities
    for name, content in other_authorities.to_files().items():
        (keeper / name).write_bytes(content)
    with pytest.raises(ConfigError, match="demo-control-plane-1 and demo-control-plane-2 keep different authorities"):
        run(machines)


def test_damaged_authorities_stop_the_run(machines, run):
    run(machines)
    (machines["demo-control-plane-1"].authorities / "sa.key").unlink()
    with pytest.raises(NodeError, match="cannot be used: sa.key is missing"):
        run(machines)


def test_refused_node_does_not_keep_others_from_their_certificates(machines, run, make_request):
    pem = make_request(cn="system:node:demo-control-plane-1")
    (machines["demo-worker-1"].root / "pki/kubelet.csr").write_bytes(pem)
    with pytest.raises(RefusedRequestError, match="demo-worker-1: refused to sign the request kubelet"):
        run(machines)
    assert len(machines["demo-control-plane-1"].certificates()) == 16
    assert machines["demo-worker-1"].certificates() == set()


def test_lock_is_held_during_the_exchange_and_released_after(machines, run):
    lock = machines["demo-control-plane-1"].lock
    machines["demo-worker-1"].tool("node-certificates", f"#!/bin/bash\ncat >/dev/null; cat {lock}/holder >&2; exit 3\n")
    with pytest.raises(NodeError, match=f"exit status 3, .*pid {os.getpid()}"):
        run(machines)
    assert not lock.exists()


def test_second_controller_is_told_who_holds_the_lock(machines, run):
    lock = machines["demo-control-plane-1"].lock
    lock.mkdir()
    (lock / "holder").write_text("ann@laptop pid 17 start 99 since 2026-11-23T11:59:00Z\n")
    started = time.monotonic()
    with pytest.raises(LockedError, match="ann@laptop pid 17 start 99 since 2026-11-23T11:59:00Z, last sign of life"):
        run(machines)
    assert time.monotonic() - started < 5
    assert lock.exists()
    assert not machines["demo-control-plane-2"].authorities.exists()


def test_lock_of_a_dead_process_of_this_machine_is_broken_with_a_note(machines, run):
    lock = machines["demo-control-plane-1"].lock
    lock.mkdir()
    dead = dataclasses.replace(Holder.of_process(os.getpid(), now=NOW), start="1")
    (lock / "holder").write_text(f"{dead}\n")
    assert run(machines).is_minted
    assert any("broke the stale lock of" in line for line in run.said)


def test_lock_without_a_sign_of_life_is_broken(machines, run):
    lock = machines["demo-control-plane-1"].lock
    lock.mkdir()
    holder = lock / "holder"
    holder.write_text("ann@laptop pid 17 start 99 since 2026-11-23T11:00:00Z\n")
    long_ago = time.time() - 121
    os.utime(holder, (long_ago, long_ago))
    assert run(machines).is_minted
    assert any("ann@laptop" in line for line in run.said)


def test_check_mode_signs_stores_and_locks_nothing(machines, run):
    outcome = run(machines, is_dry=True)
    assert len(outcome.nodes["demo-worker-1"].signed) == 5
    assert "demo-worker-1: 5 certificates would be signed" in run.said
    for machine in machines.values():
        assert machine.certificates() == set()
        assert not machine.authorities.exists()
        assert not machine.lock.exists()


def test_slow_node_is_asked_again_and_said_once(machines, run):
    worker = machines["demo-worker-1"]
    counter = worker.root / "counter"
    worker.tool(
        "node-requests",
        f"#!/bin/bash\necho x >> {counter}\n"
        f"if [ $(wc -l < {counter}) -lt 3 ]; then echo waits for node-keys.service >&2; exit 75; fi\n"
        + NODE_REQUESTS[12:],
    )
    run(machines)
    assert run.said.count("demo-worker-1: no requests yet: waits for node-keys.service") == 1


def test_node_without_requests_is_named_at_the_deadline(machines, run):
    machines["demo-worker-1"].tool("node-requests", "#!/bin/bash\necho waits for node-keys.service >&2\nexit 75\n")
    with pytest.raises(WaitTimeoutError, match="certificate requests of demo-worker-1; last seen: waits for node-keys"):
        run(machines, timeout_s=1)


def test_two_faults_are_both_told(machines, run):
    for name in ("demo-control-plane-1", "demo-worker-1"):
        machines[name].tool("node-certificates", "#!/bin/bash\necho disk full >&2\nexit 1\n")
    with pytest.raises(NodesFailedError) as raised:
        run(machines)
    assert sorted(str(error).split(":")[0] for error in raised.value.errors) == [
        "demo-control-plane-1",
        "demo-worker-1",
    ]


def test_cluster_without_a_control_plane_is_refused(machines, run):
    with pytest.raises(ConfigError, match="no control plane among the nodes"):
        run({"demo-worker-1": machines["demo-worker-1"]})
