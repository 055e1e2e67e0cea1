# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks at once: those of the nodes over SSH, those of the cluster by its API, and the traffic between pods."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.parallel import MAX_THREADS
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import CLUSTER, Check, Deadline, watch
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.cluster import cluster_checks
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.pods import PodTraffic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection
    from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import KubeApi
    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

__all__ = ["Cluster", "verify"]

NODE_SCRIPT = Path(__file__).with_name("node.sh")
# Bootstrap is over by now, so what a node says of itself settles within seconds. Only first figures of metrics-server
# and pods that are still pulled may take all the time there is.
SETTLE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What to verify. The connections of `traffic` are to the same nodes, for a second exchange at the same time."""

    control_plane: Sequence[str]
    workers: Sequence[str]
    connections: Mapping[str, NodeConnection]
    traffic: Mapping[str, NodeConnection]
    kubectl: str


def verify(cluster: Cluster, api: KubeApi, *, wait_s: float, clock: Clock) -> list[Check]:
    """Return every check's outcome, the cluster's first, then node by node."""
    deadline = Deadline(wait_s, clock=clock)
    settle_s = min(SETTLE_S, wait_s)
    nodes = [*cluster.control_plane, *cluster.workers]
    by_api = cluster_checks(api, control_plane=cluster.control_plane, workers=cluster.workers, kubectl=cluster.kubectl)
    with ThreadPoolExecutor(max_workers=min(len(nodes) + len(by_api) + 1, 2 * MAX_THREADS)) as pool:
        traffic = PodTraffic(api, cluster.traffic, kubectl=cluster.kubectl, deadline=deadline, clock=clock)
        pending_traffic = pool.submit(traffic.run)
        settling = Deadline(settle_s, clock=clock, within=deadline)
        pending_api = [
            pool.submit(
                watch,
                one.look_at,
                node=one.node,
                name=one.name,
                look=one.look,
                deadline=deadline if one.name == "metrics-server" else settling,
                clock=clock,
            )
            for one in by_api
        ]
        pending_nodes = [
            pool.submit(check_node, cluster.connections[node], settle_s=settle_s, deadline=deadline) for node in nodes
        ]
        found = [future.result() for future in pending_api]
        for future in pending_nodes:
            found += future.result()
        found += pending_traffic.result()
    order = {name: place for place, name in enumerate([CLUSTER, *nodes])}
    return sorted(found, key=lambda check: order[check.node])


def check_node(connection: NodeConnection, *, settle_s: float, deadline: Deadline) -> list[Check]:
    """Run a node's own checks in one exchange and return them."""
    try:
        result = connection.run_script(NODE_SCRIPT.read_text(), str(round(settle_s)), what="run its checks")
        checks = [_read_check(connection, line) for line in result.text.splitlines()]
    except (NodeError, ValueError, KeyError) as error:
        checks = []
        fault = str(error).removeprefix(f"{connection.name}: ")
    else:
        fault = "" if checks else "its checks said nothing"
    if fault:
        checks = [Check(node=connection.name, name="SSH", ok=False, seen=fault, look=connection.login)]
    return [deadline.note(check) for check in sorted(checks, key=lambda check: check.name)]


def _read_check(connection: NodeConnection, line: str) -> Check:
    said = json.loads(line)
    return Check(
        node=connection.name,
        name=said["check"],
        ok=bool(said["ok"]),
        seen=" ".join(str(said["seen"]).split()),
        look=f"{connection.login} sudo {said['look']}",
        figures=said["figures"],
    )
