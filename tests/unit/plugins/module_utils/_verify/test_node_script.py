# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that run on a node, with stand-ins for the node's programs."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._verify.run import NODE_SCRIPT

SERVICE = bytes([10, 245, 0, 1])


@pytest.fixture
def run_function(tmp_path):
    """Run one function of the script; `programs` are the bodies of its stand-ins, `files` lie below its root."""

    def run(name, *, programs=None, variables=""):
        functions = NODE_SCRIPT.read_text().split("\ncheck 'multi-user target'")[0]
        head, _, rest = functions.partition("is_wanted() {")
        assert ". /etc/flotilla/cluster.env" in head
        for program, body in (programs or {}).items():
            path = tmp_path / program
            path.write_text(f"#!/bin/bash\n{body}\n")
            path.chmod(0o755)
        script = (
            f"set -u\nPATH={tmp_path}:$PATH\npki={tmp_path}/pki\nwanted=()\n{variables}\nis_wanted() {{{rest}\n{name}"
        )
        process = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False)
        return process.returncode, (process.stdout + process.stderr).strip()

    return run


@pytest.mark.parametrize(
    ("state", "status"), [("active", 0), ("activating", 1), ("inactive", 2), ("failed", 2), ("deactivating", 1)]
)
def test_stopped_unit_is_not_waited_for_and_a_starting_one_is(run_function, state, status):
    assert run_function("is_running flannel.service", programs={"systemctl": f"echo {state}"})[0] == status


def test_failed_units_are_named(run_function):
    body = "printf 'a.service loaded failed failed A\\nb.mount loaded failed failed B\\n'"
    assert run_function("failed_units", programs={"systemctl": body}) == (2, "failed: a.service b.mount")
    assert run_function("failed_units", programs={"systemctl": "true"}) == (0, "none")


def test_kubelet_that_does_not_say_ok_fails(run_function):
    programs = {"systemctl": "echo active", "curl": "echo pleg was last seen active 3m ago"}
    assert run_function("kubelet", programs=programs) == (1, "healthz says pleg was last seen active 3m ago")


METRICS = """etcd_debugging_mvcc_compact_revision {compacted}
etcd_debugging_mvcc_current_revision 1.2345e+04
etcd_debugging_mvcc_db_compaction_last {last}
"""
UNIT = "--auto-compaction-retention=5m"


@pytest.mark.parametrize(
    ("age_s", "compacted", "last_ago_s", "expected"),
    [
        (100, -1, None, (0, "not due yet: etcd runs for 100 s, compacts every 300 s; revision 12345")),
        (700, -1, None, (2, "never in 700 s, although due every 300 s; revision 12345")),
        (7000, 9000, 120, (0, "up to revision 9000 of 12345, 120 s ago")),
        (7000, 9000, 900, (2, "up to revision 9000 of 12345, 900 s ago")),
    ],
)
def test_compaction_has_to_happen_once_it_is_due(run_function, tmp_path, age_s, compacted, last_ago_s, expected):
    (tmp_path / "metrics").write_text(
        METRICS.format(compacted=compacted, last=1000000 - last_ago_s if last_ago_s else 0)
    )
    programs = {
        "curl": f"cat {tmp_path}/metrics",
        "systemctl": f"echo {UNIT}",
        "date": "echo 1000000",
    }
    # Functions of the same name come later, so they win over the script's own.
    assert run_function(f"age_s() {{ echo {age_s}; }}\netcd_compaction", programs=programs) == expected


@pytest.fixture
def name_server():
    """A name server on port 53 of a loopback address that answers one question."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("127.0.0.53", 0))
    except OSError:
        pytest.skip("no loopback address to listen on")
    server.settimeout(5)
    seen = []

    def start(make_answer):
        def serve():
            question, client = server.recvfrom(512)
            seen.append(question)
            server.sendto(make_answer(question), client)

        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()

    start.seen = seen
    yield start
    server.close()


def answer_with(address, *, code=0, count=1):
    def make(question):
        header = question[:2] + bytes([0x81, 0x80 | code]) + b"\x00\x01" + bytes([0, count]) + b"\x00\x00\x00\x00"
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04" + address if count else b""
        return header + question[12:] + record

    return make


def ask(run_function, name_server, make_answer):
    host, port = name_server(make_answer)
    script = NODE_SCRIPT.read_text()
    assert "/dev/udp/$server/53" in script
    body = script[script.index("dns_answer() {") : script.index("\ncheck 'multi-user target'")]
    body = body.replace("/dev/udp/$server/53", f"/dev/udp/$server/{port}")
    body = body.replace("$(sed -n", f"$(echo {host}; : sed -n", 1)
    variables = "CLUSTER_DOMAIN=cluster.local SERVICE_API_IP=10.245.0.1\n"
    return run_function(f"{variables}{body}\ncluster_dns")


def test_cluster_dns_is_asked_for_the_api_servers_service(run_function, name_server):
    status, said = ask(run_function, name_server, answer_with(SERVICE))
    assert (status, said) == (0, "127.0.0.53 says kubernetes.default.svc.cluster.local is 10.245.0.1")
    name = b"\x0akubernetes\x07default\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01"
    assert name_server.seen[0][12:] == name


def test_cluster_dns_that_knows_another_address_fails(run_function, name_server):
    status, said = ask(run_function, name_server, answer_with(bytes([10, 0, 0, 9])))
    assert (status, said.split()[-1]) == (1, "10.0.0.9")


def test_cluster_dns_that_does_not_know_the_name_fails(run_function, name_server):
    status, said = ask(run_function, name_server, answer_with(b"", code=3, count=0))
    assert (status, said) == (1, "127.0.0.53 answers with error 3 for kubernetes.default.svc.cluster.local")


def test_certificates_tell_the_first_to_expire_and_all_days(run_function, tmp_path):
    pki = tmp_path / "pki" / "etcd"
    pki.mkdir(parents=True)
    for name, days in (("../kubelet", 364), ("node", 200)):
        command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days {days}"
        subprocess.run(
            [*command.split(), "-keyout", "/dev/null", "-out", f"{pki}/{name}.crt"], check=True, capture_output=True
        )
    status, said = run_function("certificates")
    text, figures = said.split("\t")
    days = json.loads(figures)
    assert status == 0
    # A second may pass between the making and the looking.
    assert days["etcd/node"] in (199, 200)
    assert days["kubelet"] in (363, 364)
    assert text == f"2 certificates, the first to expire is etcd/node in {days['etcd/node']} days"


def test_certificate_about_to_expire_fails(run_function, tmp_path):
    pki = tmp_path / "pki"
    pki.mkdir()
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 20"
    subprocess.run(
        [*command.split(), "-keyout", "/dev/null", "-out", f"{pki}/kubelet.crt"], check=True, capture_output=True
    )
    assert run_function("certificates")[0] == 2


def test_node_without_certificates_fails(run_function, tmp_path):
    Path(tmp_path / "pki").mkdir()
    assert run_function("certificates")[0] == 2


def test_milliseconds_are_whole(run_function):
    assert run_function("ms 0.074596") == (0, "74 ms")
    assert run_function("ms 1.000001") == (0, "1000 ms")


@pytest.mark.parametrize(
    ("function", "ok", "final"), [("echo fine", True, False), ("false", False, False), ("return 2", False, True)]
)
def test_outcome_tells_whether_waiting_may_help(run_function, function, ok, final):
    status, said = run_function(f"look() {{ {function}; }}\ncheck 'some name' 'journalctl' look")
    assert status == 0
    assert (json.loads(said)["ok"], json.loads(said)["final"]) == (ok, final)


def test_only_wanted_checks_look(run_function):
    script = "wanted=('cluster DNS')\nlook() { echo fine; }\ncheck 'kubelet' x look\ncheck 'cluster DNS' x look"
    assert json.loads(run_function(script)[1])["check"] == "cluster DNS"
