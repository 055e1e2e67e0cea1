# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._verify import cluster
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import Answer, NoAnswerError

NODE = "demo-worker-1"


class FakeApi:
    """Answers paths from a table; anything else is not found."""

    server = "https://198.51.100.2:6443"

    def __init__(self, table):
        self.table = table

    def get(self, path, **_query):
        given = self.table.get(path, (404, {"message": "not found"}))
        if isinstance(given, Exception):
            raise given
        status, body = given
        if isinstance(body, str):
            return Answer(status=status, text=body, body={})
        return Answer(status=status, text="", body=body)


def deployment(wanted=2, available=2, name="coredns"):
    body = {"spec": {"replicas": wanted}, "status": {"availableReplicas": available}}
    return {f"/apis/apps/v1/namespaces/kube-system/deployments/{name}": (200, body)}


def node(ready="True"):
    condition = {"type": "Ready", "status": ready, "reason": "KubeletNotReady", "message": "cni not ready"}
    versions = {"kubeletVersion": "v1.37.2", "containerRuntimeVersion": "containerd://2.4.2"}
    return {f"/api/v1/nodes/{NODE}": (200, {"status": {"conditions": [condition], "nodeInfo": versions}})}


def pod(name, ready="True", **status):
    body = {"status": {"conditions": [{"type": "Ready", "status": ready}], "phase": "Running", **status}}
    return {f"/api/v1/namespaces/kube-system/pods/{name}-{NODE}": (200, body)}


def metrics(*names, cpu="250m"):
    items = [{"metadata": {"name": name}, "usage": {"cpu": cpu}} for name in names]
    return {cluster.METRICS: (200, {"items": items})}


def outcome(seen):
    return seen.ok, seen.is_final, seen.text


def test_api_server_tells_its_version():
    seen = cluster.see_api(FakeApi({"/readyz": (200, "ok"), "/version": (200, {"gitVersion": "v1.37.2"})}))
    assert outcome(seen) == (True, False, "v1.37.2 at https://198.51.100.2:6443 says ok")


def test_api_server_that_is_not_ready_fails():
    seen = cluster.see_api(FakeApi({"/readyz": (500, "etcd failed"), "/version": (200, {"gitVersion": "v1.37.2"})}))
    assert outcome(seen) == (False, False, "v1.37.2 at https://198.51.100.2:6443 says etcd failed")


NODES = [
    (node(), (True, False, "Ready, kubelet v1.37.2, containerd://2.4.2")),
    (
        node("False"),
        (False, False, "not Ready (KubeletNotReady: cni not ready), kubelet v1.37.2, containerd://2.4.2"),
    ),
    ({}, (False, False, "is not registered in the cluster")),
    ({f"/api/v1/nodes/{NODE}": (500, {"message": "etcd timed out"})}, (False, False, "500 etcd timed out")),
]


@pytest.mark.parametrize(("table", "expected"), NODES)
def test_node_is_ready_or_says_why_not(table, expected):
    assert outcome(cluster.see_node(FakeApi(table), NODE)) == expected


STATIC_PODS = [
    (pod("kube-proxy"), (True, False, "kube-proxy ready")),
    ({}, (False, False, "kube-proxy is missing")),
    (pod("kube-proxy", "False"), (False, False, "kube-proxy is Running, not ready")),
    (
        pod(
            "kube-proxy",
            "False",
            containerStatuses=[{"restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
        ),
        (False, False, "kube-proxy is waiting: CrashLoopBackOff, 4 restarts"),
    ),
]


@pytest.mark.parametrize(("table", "expected"), STATIC_PODS)
def test_static_pods_are_ready_or_say_why_not(table, expected):
    assert outcome(cluster.see_static_pods(FakeApi(table), NODE, ["kube-proxy"])) == expected


DEPLOYMENTS = [
    (deployment(), (True, False, "2 of 2 replicas available")),
    (deployment(available=1), (False, False, "1 of 2 replicas available")),
    (deployment(wanted=0, available=0), (False, True, "0 of 0 replicas available")),
    ({}, (False, True, "the deployment kube-system/coredns does not exist")),
]


@pytest.mark.parametrize(("table", "expected"), DEPLOYMENTS)
def test_deleted_or_emptied_deployment_is_not_waited_for(table, expected):
    assert outcome(cluster.see_deployment(FakeApi(table), "coredns")) == expected


def test_dashboard_has_to_answer_with_its_page():
    table = deployment(1, 1, "dashboard")
    assert cluster.see_dashboard(FakeApi(table | {cluster.DASHBOARD: (200, "<html>")})).ok
    seen = cluster.see_dashboard(FakeApi(table | {cluster.DASHBOARD: (502, "bad gateway")}))
    assert outcome(seen) == (
        False,
        False,
        "1 of 1 replicas available, its page answers 502 through the API server",
    )


def test_metrics_have_to_be_there_for_every_node():
    table = deployment(1, 1, "metrics-server")
    assert (
        cluster.see_metrics(FakeApi(table | metrics("a", "b")), ["a", "b"]).text
        == "figures for 2 nodes, 500 mCPU in use"
    )
    assert cluster.see_metrics(FakeApi(table | metrics("a")), ["a", "b"]).text == "no figures yet for b"
    seen = cluster.see_metrics(FakeApi(table | {cluster.METRICS: (503, "no endpoints")}), ["a"])
    assert outcome(seen) == (False, False, "1 of 1 replicas available, no figures: 503 no endpoints")


@pytest.mark.parametrize(("cpu", "text"), [("1500000n", "2 mCPU"), ("2", "2000 mCPU"), ("7000u", "7 mCPU")])
def test_cpu_quantities_are_read_in_every_unit(cpu, text):
    table = deployment(1, 1, "metrics-server") | metrics("a", cpu=cpu)
    assert text in cluster.see_metrics(FakeApi(table), ["a"]).text


def test_silence_of_the_api_server_is_something_seen():
    api = FakeApi({"/readyz": NoAnswerError("no answer from https://198.51.100.2:6443: Connection refused")})
    checks = cluster.cluster_checks(api, control_plane=["cp"], workers=[], kubectl="kubectl")
    assert outcome(checks[0].look_at()) == (
        False,
        False,
        "no answer from https://198.51.100.2:6443: Connection refused",
    )


def test_every_check_knows_its_own_node_and_where_to_look():
    checks = cluster.cluster_checks(FakeApi({}), control_plane=["cp"], workers=["w1", "w2"], kubectl="kubectl -k")
    per_node = [(one.node, one.name) for one in checks if one.node != "cluster"]
    assert per_node == [(node, name) for node in ("cp", "w1", "w2") for name in ("Node", "static pods")]
    assert "kube-proxy is missing" in checks[-1].look_at().text
    assert "kube-apiserver" not in checks[-1].look_at().text
    assert checks[-2].look == "kubectl -k describe node w2"
