# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._verify import pods
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import Answer, NoAnswerError
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import Deadline, Patience, Waiting
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.pods import PodTraffic
from tests.unit.node_fakes import FakeClock, ScriptedTransport, connect, done

NODES = ("demo-control-plane-1", "demo-worker-1")
COREDNS = {"spec": {"template": {"spec": {"containers": [{"image": "registry.k8s.io/coredns/coredns:v1.15.0"}]}}}}


class FakeCluster:
    """An API that runs the test pods' DaemonSet after `looks` looks."""

    def __init__(self, *, looks=2, unready=(), refuse="", coredns=True):
        self.objects = {"left over": {}}
        self.looks, self.unready, self.refuse, self.coredns = looks, unready, refuse, coredns
        self.selectors = []

    def get(self, path, **query):
        if path.endswith("deployments/coredns"):
            return answer(200, COREDNS) if self.coredns else answer(404, {"message": "not found"})
        self.selectors.append(query["labelSelector"])
        self.looks -= 1
        return answer(200, {"items": [self.pod(number, node) for number, node in enumerate(NODES)]})

    def pod(self, number, node):
        is_ready = self.looks <= 0 and node not in self.unready
        return {
            "metadata": {"uid": f"uid-{number}"},
            "spec": {"nodeName": node},
            "status": {
                "podIP": f"10.244.{number}.9",
                "conditions": [{"type": "Ready", "status": str(is_ready)}],
                "containerStatuses": [] if is_ready else [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}],
            },
        }

    def create(self, path, body):
        if self.refuse:
            return answer(403, {"message": self.refuse})
        self.objects[path] = body
        return answer(201, body)

    def delete(self, path, **query):
        assert query == {"labelSelector": pods.LABEL}
        self.objects.pop(path, None)
        self.objects.pop("left over", None)
        return answer(200, {})


def answer(status, body):
    return Answer(status=status, text="", body=body)


@pytest.fixture
def run():
    def go(cluster, *, says=None):
        clock = FakeClock()
        said = says or {"ok": True, "seen": "pods of other nodes that answer: 1 of 1", "look": "ip route"}
        go.scripts = {}

        def transport(node):
            def reply(command, _stdin):
                go.scripts[node] = command
                return done(json.dumps(said))

            return ScriptedTransport(reply)

        connections = {node: connect(node, transport(node), clock) for node in NODES}
        patience = Patience(deadline=Deadline(30, clock=clock), clock=clock, waiting=Waiting())
        return PodTraffic(cluster, connections, kubectl="kubectl", patience=patience).run()

    return go


def test_each_node_asks_the_pods_of_all_others_from_its_own_pod(run):
    checks = run(FakeCluster())
    assert [(one.node, one.ok) for one in checks] == [(node, True) for node in NODES]
    assert run.scripts == {
        "demo-control-plane-1": "sudo -n bash -s -- 10 uid-0 demo-worker-1=10.244.1.9",
        "demo-worker-1": "sudo -n bash -s -- 10 uid-1 demo-control-plane-1=10.244.0.9",
    }


def test_only_pods_of_this_run_count(run):
    cluster = FakeCluster()
    run(cluster)
    assert {selector.split("=")[0] for selector in cluster.selectors} == {pods.LABEL}
    assert cluster.selectors[0] != pods.LABEL


@pytest.mark.parametrize(
    "cluster", [FakeCluster(), FakeCluster(unready=("demo-worker-1",)), FakeCluster(refuse="forbidden")]
)
def test_test_pods_and_those_of_a_killed_run_are_removed_whatever_happens(run, cluster):
    run(cluster)
    assert cluster.objects == {}


def test_pod_that_does_not_come_up_is_named_with_its_reason(run):
    (check,) = run(FakeCluster(unready=("demo-worker-1",)))
    assert (check.node, check.ok) == ("cluster", False)
    assert check.seen == "the test pod is not ready on demo-worker-1: ImagePullBackOff"


def test_missing_coredns_is_told(run):
    (check,) = run(FakeCluster(coredns=False))
    assert check.seen == "there is no CoreDNS, whose image the test pods use: 404 not found"


def test_silence_of_the_api_is_one_failed_check(run):
    class Silent(FakeCluster):
        def delete(self, path, **query):
            raise NoAnswerError("no answer from https://198.51.100.2:6443: refused")

    (check,) = run(Silent())
    assert check.seen == "no answer from https://198.51.100.2:6443: refused"


def test_unreachable_pod_fails_its_node(run):
    says = {"ok": False, "seen": "no answer from the pod 10.244.1.9 on demo-worker-1", "look": "ip route"}
    checks = run(FakeCluster(), says=says)
    assert not any(one.ok for one in checks)
    assert checks[0].look == "ssh core@demo-control-plane-1 sudo ip route"


def test_test_pod_runs_everywhere_and_ends_at_once():
    body = pods._daemon_set("flotilla-verify-1", "image")
    spec = body["spec"]["template"]["spec"]
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["terminationGracePeriodSeconds"] == 0
    assert body["spec"]["selector"]["matchLabels"] == body["spec"]["template"]["metadata"]["labels"]
