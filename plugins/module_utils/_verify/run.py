# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks at once: those of the nodes over SSH, those of the cluster by its API, and the traffic between pods."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.parallel import MAX_THREADS
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import (
    CLUSTER,
    Check,
    Deadline,
    Patience,
    Waiting,
    watch,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.cluster import cluster_checks
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.pods import PodTraffic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection
    from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import KubeApi
    from ansible_collections.flotilla.coreos.plugins.module_utils._verify.cluster import ClusterCheck
    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

__all__ = ["Cluster", "verify"]

NODE_SCRIPT = Path(__file__).with_name("node.sh")
# Bootstrap is over by now; after a reboot the addons still come back, one after the other. This long without anything
# new that holds, and the rest is not coming. Figures of metrics-server and test pods may take all the time there is.
QUIET_S = 25.0
NODE_POLL_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What to verify. The connections of `traffic` are to the same nodes, for a second exchange at the same time."""

    control_plane: Sequence[str]
    workers: Sequence[str]
    connections: Mapping[str, NodeConnection]
    traffic: Mapping[str, NodeConnection]
    kubectl: str


def verify(cluster: Cluster, api: KubeApi, *, wait_s: float, clock: Clock, say: Callable[[str], None]) -> list[Check]:
    """Return every check's outcome, the cluster's first, then node by node. `say` takes a line while it waits."""
    patience = Patience(deadline=Deadline(wait_s, clock=clock), clock=clock, waiting=Waiting())
    with patience.waiting.told(say):
        found = _check_all(cluster, api, wait_s=wait_s, patience=patience)
    order = {name: place for place, name in enumerate([CLUSTER, *cluster.control_plane, *cluster.workers])}
    return sorted(found, key=lambda check: order[check.node])


def _check_all(cluster: Cluster, api: KubeApi, *, wait_s: float, patience: Patience) -> list[Check]:
    nodes = [*cluster.control_plane, *cluster.workers]
    first, *rest = cluster_checks(
        api, control_plane=cluster.control_plane, workers=cluster.workers, kubectl=cluster.kubectl
    )
    # Without an API server nothing else can settle, and a control plane's takes its time after a reboot.
    found = [_watch(first, patience)]
    quiet = Deadline(wait_s, clock=patience.clock, within=patience.deadline, quiet_s=QUIET_S)
    settling = dataclasses.replace(patience, deadline=quiet)
    traffic = PodTraffic(api, cluster.traffic, kubectl=cluster.kubectl, patience=patience)
    with ThreadPoolExecutor(max_workers=min(len(nodes) + len(rest) + 1, 2 * MAX_THREADS)) as pool:
        by_traffic = pool.submit(traffic.run)
        by_api = [pool.submit(_watch, one, patience if one.is_slow else settling) for one in rest]
        by_node = [pool.submit(check_node, cluster.connections[node], settling) for node in nodes]
        found += [future.result() for future in by_api]
        for future in [*by_node, by_traffic]:
            found += future.result()
    return found


def check_node(connection: NodeConnection, patience: Patience) -> list[Check]:
    """Run a node's own checks, all in one exchange, and those again that do not hold yet."""
    deadline = patience.deadline
    settled: list[Check] = []
    wanted: list[str] = []
    while True:
        looks = _look_at_node(connection, wanted)
        is_late = deadline.left_s() <= 0
        settled += [deadline.note(look.check) for look in looks if look.check.ok or look.is_final or is_late]
        for name in wanted:
            patience.waiting.remove(connection.name, name)
        unsettled = [look.check for look in looks if not (look.check.ok or look.is_final or is_late)]
        if not unsettled:
            return sorted(settled, key=lambda check: check.name)
        for check in unsettled:
            patience.waiting.add(connection.name, check.name, check.seen)
        wanted = [check.name for check in unsettled]
        patience.clock.sleep(min(NODE_POLL_S, deadline.left_s()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    check: Check
    is_final: bool


def _watch(one: ClusterCheck, patience: Patience) -> Check:
    return watch(one.look_at, node=one.node, name=one.name, look=one.look, patience=patience)


def _look_at_node(connection: NodeConnection, wanted: Sequence[str]) -> list[_Look]:
    """Look once at the wanted checks, or at all; an exchange that fails is a failed check named SSH."""
    try:
        result = connection.run_script(NODE_SCRIPT.read_text(), *wanted, what="run its checks")
        looks = [_read_look(connection, line) for line in result.text.splitlines()]
    except (NodeError, ValueError, KeyError) as error:
        looks = []
        fault = str(error).removeprefix(f"{connection.name}: ")
    else:
        fault = "" if looks else "its checks said nothing"
    if fault:
        check = Check(node=connection.name, name="SSH", ok=False, seen=fault, look=connection.login)
        return [_Look(check=check, is_final=True)]
    return looks


def _read_look(connection: NodeConnection, line: str) -> _Look:
    said = json.loads(line)
    check = Check(
        node=connection.name,
        name=said["check"],
        ok=bool(said["ok"]),
        seen=" ".join(str(said["seen"]).split()),
        look=f"{connection.login} sudo {said['look']}",
        figures=said["figures"],
    )
    return _Look(check=check, is_final=bool(said["final"]))
