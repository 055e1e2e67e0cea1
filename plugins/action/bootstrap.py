# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of the module bootstrap: see plugins/modules/bootstrap.py for its documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._node.follow import Follower
from ansible_collections.flotilla.coreos.plugins.module_utils._node.output import write_private
from ansible_collections.flotilla.coreos.plugins.module_utils._node.roles import label_roles
from ansible_collections.flotilla.coreos.plugins.module_utils._node.timeline import render_timeline
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import SystemClock
from ansible_collections.flotilla.coreos.plugins.plugin_utils._node_action import NodeAction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection
    from ansible_collections.flotilla.coreos.plugins.module_utils._node.follow import NodeHistory


class ActionModule(NodeAction):
    """Follows nodes until each has reached its Multi-User System."""

    ARGUMENTS = {
        "cluster_name": {"type": "str", "required": True},
        "nodes": {"type": "list", "elements": "str", "required": True},
        "timeout_s": {"type": "int", "default": 1200},
        "output_dir": {"type": "path", "default": ".state"},
    }

    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Follow, draw the timeline, label new nodes. What it does is part of the creation, so never a change."""
        connections = {name: self.connect(name, task_vars) for name in arguments["nodes"]}
        clock = SystemClock()
        started_s = clock.now_s()
        histories = Follower(connections, timeout_s=arguments["timeout_s"], clock=clock, say=self.say).run()
        path = self._write_timeline(arguments, histories)
        self._label_new_nodes(connections, task_vars["hostvars"])
        return {
            "changed": False,
            "nodes": {name: _history_result(history) for name, history in histories.items()},
            "waited_s": round(clock.now_s() - started_s, 1),
            "timeline": str(path),
            "ssh_exchanges": sum(connection.exchanges for connection in connections.values()),
        }

    def _label_new_nodes(self, connections: Mapping[str, NodeConnection], hostvars: Mapping[str, Any]) -> None:
        """Label nodes that have never been ready; the others were labelled then."""
        new = [name for name in connections if not hostvars[name].get("flotilla_ready", False)]
        keepers = [name for name in connections if hostvars[name].get("flotilla_role") == "control-plane"]
        if new and keepers and not self.is_check_mode:
            label_roles(connections[keepers[0]], new)

    def _write_timeline(self, arguments: Mapping[str, Any], histories: Mapping[str, NodeHistory]) -> Path:
        """Keep the picture of the bootstrap itself: a later run that finds all nodes up does not replace it."""
        path = self.output_folder(arguments["output_dir"], arguments["cluster_name"]).path / "bootstrap.html"
        if not path.exists() or not all(history.was_up for history in histories.values()):
            write_private(path, render_timeline(arguments["cluster_name"], histories), mode=0o644)
        return path


def _history_result(history: NodeHistory) -> dict[str, Any]:
    return {
        "ready_s": round(history.ready_s, 1),
        "was_up": history.was_up,
        "units": [
            {
                "name": unit.name,
                "since_s": unit.since_s,
                "done_s": unit.done_s,
                "restarts": unit.restarts,
            }
            for unit in history.status.units
        ],
    }
