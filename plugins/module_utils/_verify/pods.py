# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traffic between pods of all nodes: a test pod on each node, asked from every other one, removed in the end."""

from __future__ import annotations

import contextlib
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.parallel import MAX_THREADS
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import NoAnswerError
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import CLUSTER, Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection
    from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import KubeApi
    from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import Patience

__all__ = ["PodTraffic"]

NAME = "pod traffic"
LABEL = "flotilla.coreos/verify"
NAMESPACE = "kube-system"
CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
DAEMON_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
POLL_S = 0.3
SCRIPT = Path(__file__).with_name("pods.sh")
# Pods that are there answer at once; the rest of the time only tells a slow path from none.
REACH_S = 10
# An unprivileged port for DNS, which nobody asks; what is asked is health, over HTTP.
COREFILE = ".:1053 {\n  health :8080\n}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pod:
    uid: str
    address: str


class PodTraffic:
    """The check of one run. CoreDNS's image serves, since the nodes have or get it anyway."""

    def __init__(
        self,
        api: KubeApi,
        connections: Mapping[str, NodeConnection],
        *,
        kubectl: str,
        patience: Patience,
    ) -> None:
        self._api = api
        self._connections = connections
        self._kubectl = kubectl
        self._deadline = patience.deadline
        self._clock = patience.clock
        self._waiting = patience.waiting
        self._name = f"flotilla-verify-{secrets.token_hex(3)}"

    def run(self) -> list[Check]:
        """Return one check a node, or one of the cluster where the test pods did not come up."""
        while True:
            try:
                return self._try()
            except NoAnswerError as error:
                if self._deadline.left_s() <= 0:
                    return [self._failed(str(error))]
            self._clock.sleep(POLL_S)

    def _try(self) -> list[Check]:
        with self._test_pods() as problem:
            if problem:
                return [self._failed(problem)]
            pods, missing = self._await_pods()
            return [self._failed(missing)] if missing else self._ask_all(pods)

    @contextlib.contextmanager
    def _test_pods(self) -> Iterator[str]:
        """Create the pods, after those of a verification that was killed; delete them whatever happens."""
        self._delete_all()
        try:
            yield self._create()
        finally:
            # A verification that cannot clean up has been told why by then; the next one does it.
            with contextlib.suppress(NoAnswerError):
                self._delete_all()

    def _delete_all(self) -> None:
        for path in (DAEMON_SETS, CONFIG_MAPS):
            self._api.delete(path, labelSelector=LABEL)

    def _create(self) -> str:
        """Create everything; return what went wrong, or nothing."""
        deployment = self._api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/coredns")
        if not deployment.ok:
            return f"there is no CoreDNS, whose image the test pods use: {deployment.message}"
        image = deployment.body["spec"]["template"]["spec"]["containers"][0]["image"]
        for path, body in ((CONFIG_MAPS, _config_map(self._name)), (DAEMON_SETS, _daemon_set(self._name, image))):
            answer = self._api.create(path, body)
            if not answer.ok:
                return f"the test pods could not be created: {answer.message}"
        return ""

    def _await_pods(self) -> tuple[dict[str, _Pod], str]:
        """Return the test pods by node once all are ready, and what is missing at the deadline."""
        while True:
            items = self._api.get(PODS, labelSelector=f"{LABEL}={self._name}").body.get("items", [])
            ready = {
                item["spec"]["nodeName"]: _Pod(uid=item["metadata"]["uid"], address=item["status"]["podIP"])
                for item in items
                if _is_ready(item)
            }
            missing = [node for node in self._connections if node not in ready]
            self._waiting.remove(CLUSTER, NAME)
            if not missing:
                return {node: ready[node] for node in self._connections}, ""
            problem = f"the test pod is not ready on {', '.join(missing)}: {_reasons(items, missing)}"
            if self._deadline.left_s() <= 0:
                return {}, problem
            self._waiting.add(CLUSTER, NAME, problem)
            self._clock.sleep(POLL_S)

    def _ask_all(self, pods: Mapping[str, _Pod]) -> list[Check]:
        with ThreadPoolExecutor(max_workers=min(len(pods), MAX_THREADS)) as pool:
            return list(pool.map(lambda node: self._ask(node, pods), pods))

    def _ask(self, node: str, pods: Mapping[str, _Pod]) -> Check:
        connection = self._connections[node]
        others = [f"{other}={pod.address}" for other, pod in pods.items() if other != node]
        try:
            result = connection.run_script(
                SCRIPT.read_text(), str(REACH_S), pods[node].uid, *others, what="reach the pods of other nodes"
            )
            said: dict[str, Any] = json.loads(result.text)
        except (NodeError, ValueError) as error:
            said = {"ok": False, "seen": str(error), "look": "journalctl -u flannel.service"}
        return self._deadline.note(
            Check(
                node=node, name=NAME, ok=said["ok"], seen=said["seen"], look=f"{connection.login} sudo {said['look']}"
            )
        )

    def _failed(self, seen: str) -> Check:
        look = f"{self._kubectl} -n {NAMESPACE} get events --sort-by=.lastTimestamp"
        return self._deadline.note(Check(node=CLUSTER, name=NAME, ok=False, seen=seen, look=look))


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _reasons(items: list[dict[str, Any]], nodes: list[str]) -> str:
    """Return why the pods of these nodes are not ready, as far as their containers tell."""
    reasons = set()
    for item in items:
        if item["spec"].get("nodeName") in nodes:
            states = [one.get("state", {}) for one in item.get("status", {}).get("containerStatuses", [])]
            reasons |= {str(state.get("waiting", {}).get("reason", "starting")) for state in states}
            reasons |= set() if states else {str(item.get("status", {}).get("phase"))}
    return ", ".join(sorted(reasons)) or "it was not scheduled"


def _config_map(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {LABEL: name}},
        "data": {"Corefile": COREFILE},
    }


def _daemon_set(name: str, image: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "labels": {LABEL: name}},
        "spec": {
            "selector": {"matchLabels": {LABEL: name}},
            "template": {"metadata": {"labels": {LABEL: name}}, "spec": _pod_spec(name, image)},
        },
    }


# No readiness probe: it would cost a second, and whoever asks tries until the pod answers.
def _pod_spec(name: str, image: str) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}],
        "containers": [
            {
                "name": "answer",
                "image": image,
                "args": ["-conf", "/etc/coredns/Corefile"],
                "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    # The image's program may bind low ports, and cannot be run without that where all is dropped.
                    "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                },
                "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": name}}],
    }
