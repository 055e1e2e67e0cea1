# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the cluster as its API tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import NoAnswerError
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import CLUSTER, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import Answer, KubeApi

__all__ = ["ClusterCheck", "cluster_checks"]

SYSTEM = "/api/v1/namespaces/kube-system"
DASHBOARD = f"{SYSTEM}/services/dashboard:http/proxy/"
METRICS = "/apis/metrics.k8s.io/v1beta1/nodes"
_CONTROL_PLANE_PODS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCheck:
    """A check by the API: whose, what, how to look once, and what a person runs to look closer.

    `is_slow`: it may take long to hold without anything else changing meanwhile.
    """

    node: str
    name: str
    look_at: Callable[[], Seen]
    look: str
    is_slow: bool = False


def cluster_checks(
    api: KubeApi, *, control_plane: Sequence[str], workers: Sequence[str], kubectl: str
) -> list[ClusterCheck]:
    """Return all checks by the API, the API server itself first. `kubectl` is the command with its kubeconfig."""
    nodes = [*control_plane, *workers]

    def of_cluster(name: str, look_at: Callable[[], Seen], look: str, *, is_slow: bool = False) -> ClusterCheck:
        look = f"{kubectl} {look}"
        return ClusterCheck(node=CLUSTER, name=name, look_at=_answered(look_at), look=look, is_slow=is_slow)

    checks = [
        of_cluster("API", lambda: see_api(api), "get --raw '/readyz?verbose'"),
        of_cluster("CoreDNS", lambda: see_deployment(api, "coredns"), "-n kube-system describe deployment coredns"),
        of_cluster("dashboard", lambda: see_dashboard(api), "-n kube-system describe pod -l k8s-app=dashboard"),
        of_cluster(
            "metrics-server",
            lambda: see_metrics(api, nodes),
            "-n kube-system logs deployment/metrics-server",
            is_slow=True,
        ),
    ]
    for node in nodes:
        pods = ("kube-proxy", *(_CONTROL_PLANE_PODS if node in control_plane else ()))
        checks.append(
            ClusterCheck(
                node=node,
                name="Node",
                look_at=_answered(lambda node=node: see_node(api, node)),  # type: ignore[misc]  # binds the loop's value
                look=f"{kubectl} describe node {node}",
            )
        )
        checks.append(
            ClusterCheck(
                node=node,
                name="static pods",
                look_at=_answered(lambda node=node, pods=pods: see_static_pods(api, node, pods)),  # type: ignore[misc]  # same
                look=f"{kubectl} -n kube-system get pods --field-selector spec.nodeName={node}",
            )
        )
    return checks


def see_api(api: KubeApi) -> Seen:
    """Look at the API server's readiness and version."""
    ready = api.get("/readyz")
    version = api.get("/version").body.get("gitVersion", "of unknown version")
    return Seen(ok=ready.ok, text=f"{version} at {api.server} says {ready.text.strip()[:60]}")


def see_node(api: KubeApi, node: str) -> Seen:
    """Look at a node's Ready condition and its versions."""
    answer = api.get(f"/api/v1/nodes/{node}")
    if answer.status == 404:
        return Seen(ok=False, text="is not registered in the cluster")
    if not answer.ok:
        return Seen(ok=False, text=answer.message)
    status = answer.body.get("status", {})
    ready = _condition(answer.body, "Ready")
    versions = status.get("nodeInfo", {})
    text = f"kubelet {versions.get('kubeletVersion')}, {versions.get('containerRuntimeVersion')}"
    if ready.get("status") == "True":
        return Seen(ok=True, text=f"Ready, {text}")
    return Seen(ok=False, text=f"not Ready ({ready.get('reason')}: {ready.get('message')}), {text}")


def see_static_pods(api: KubeApi, node: str, names: Sequence[str]) -> Seen:
    """Look at whether a node's static pods run and are ready."""
    faults = []
    for name in names:
        answer = api.get(f"{SYSTEM}/pods/{name}-{node}")
        if answer.status == 404:
            faults.append(f"{name} is missing")
        elif not answer.ok:
            faults.append(f"{name}: {answer.message}")
        elif _condition(answer.body, "Ready").get("status") != "True":
            faults.append(f"{name} is {_pod_state(answer)}")
    if faults:
        return Seen(ok=False, text=", ".join(faults))
    return Seen(ok=True, text=f"{', '.join(names)} ready")


def see_deployment(api: KubeApi, name: str) -> Seen:
    """Look at whether all replicas of a deployment are available."""
    answer = api.get(f"/apis/apps/v1/namespaces/kube-system/deployments/{name}")
    if answer.status == 404:
        return Seen(ok=False, text=f"the deployment kube-system/{name} does not exist", is_final=True)
    if not answer.ok:
        return Seen(ok=False, text=answer.message)
    wanted = answer.body["spec"].get("replicas", 1)
    available = answer.body.get("status", {}).get("availableReplicas", 0)
    text = f"{available} of {wanted} replicas available"
    # Somebody has scaled it to nothing: that does not serve anyone either.
    return Seen(ok=available >= wanted > 0, text=text, is_final=wanted == 0)


def see_dashboard(api: KubeApi) -> Seen:
    """Look at the dashboard's deployment, and ask for its page through the API server."""
    deployment = see_deployment(api, "dashboard")
    if not deployment.ok:
        return deployment
    page = api.get(DASHBOARD)
    return Seen(ok=page.status == 200, text=f"{deployment.text}, its page answers {page.status} through the API server")


def see_metrics(api: KubeApi, nodes: Sequence[str]) -> Seen:
    """Look at whether there are figures for every node, as `kubectl top nodes` shows them."""
    deployment = see_deployment(api, "metrics-server")
    if deployment.is_final:
        return deployment
    answer = api.get(METRICS)
    if not answer.ok:
        return Seen(ok=False, text=f"{deployment.text}, no figures: {answer.message}")
    usage = {item["metadata"]["name"]: item["usage"] for item in answer.body.get("items", [])}
    missing = [node for node in nodes if node not in usage]
    if missing:
        return Seen(ok=False, text=f"no figures yet for {', '.join(missing)}")
    cores = sum(_millicores(usage[node]["cpu"]) for node in nodes)
    return Seen(ok=True, text=f"figures for {len(nodes)} nodes, {cores:.0f} mCPU in use")


def _answered(look_at: Callable[[], Seen]) -> Callable[[], Seen]:
    """Return the same look, with silence of the API server as something that was seen."""

    def look() -> Seen:
        try:
            return look_at()
        except NoAnswerError as error:
            return Seen(ok=False, text=str(error))

    return look


def _condition(thing: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = thing.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one.get("type") == kind), {})


def _pod_state(answer: Answer) -> str:
    status = answer.body.get("status", {})
    for container in status.get("containerStatuses", []):
        state = container.get("state", {})
        for kind in ("waiting", "terminated"):
            if kind in state:
                return f"{kind}: {state[kind].get('reason')}, {container.get('restartCount', 0)} restarts"
    return f"{status.get('phase', 'unknown')}, not ready"


_CPU_UNITS = {"n": 1e-6, "u": 1e-3, "m": 1.0}


def _millicores(quantity: str) -> float:
    """Return a CPU quantity of the API in thousandths of a core."""
    unit = quantity[-1]
    return float(quantity[:-1]) * _CPU_UNITS[unit] if unit in _CPU_UNITS else float(quantity) * 1000
