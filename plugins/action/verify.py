# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of the module verify: see plugins/modules/verify.py for its documentation."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._node.output import write_private
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.api import open_api
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import VerifyFailedError, render_table
from ansible_collections.flotilla.coreos.plugins.module_utils._verify.run import Cluster, verify
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import SystemClock
from ansible_collections.flotilla.coreos.plugins.plugin_utils._node_action import NodeAction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._verify.check import Check


class ActionModule(NodeAction):
    """Checks every node and the cluster."""

    ARGUMENTS = {
        "cluster_name": {"type": "str", "required": True},
        "control_plane": {"type": "list", "elements": "str", "required": True},
        "workers": {"type": "list", "elements": "str", "default": []},
        "wait_s": {"type": "int", "default": 60},
        "kubeconfig": {"type": "path"},
        "output_dir": {"type": "path", "default": ".state"},
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._report_path = ""

    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run all checks, show them as a table, write them as JSON; fail if any failed."""
        folder = self.output_folder(arguments["output_dir"], arguments["cluster_name"]).path
        kubeconfig = arguments["kubeconfig"] or str(folder / "kubeconfig")
        names = [*arguments["control_plane"], *arguments["workers"]]
        cluster = Cluster(
            control_plane=arguments["control_plane"],
            workers=arguments["workers"],
            connections={name: self.connect(name, task_vars) for name in names},
            traffic={name: self.connect(name, task_vars) for name in names},
            kubectl=f"kubectl --kubeconfig {kubeconfig}",
        )
        clock = SystemClock()
        started_s = clock.now_s()
        with open_api(Path(kubeconfig)) as api:
            checks = verify(cluster, api, wait_s=arguments["wait_s"], clock=clock, say=self.say)
        report = _report(arguments["cluster_name"], checks, duration_s=clock.now_s() - started_s)
        path = folder / "verify.json"
        write_private(path, json.dumps(report, indent=2) + "\n", mode=0o644)
        self._report_path = str(path)
        for line in render_table(checks):
            self.say(line)
        failed = [check for check in checks if not check.ok]
        if failed:
            raise VerifyFailedError(failed, len(checks))
        exchanges = sum(one.exchanges for one in (*cluster.connections.values(), *cluster.traffic.values()))
        return {"changed": False, "report": str(path), "ssh_exchanges": exchanges, **report}

    def failure_details(self) -> dict[str, Any]:
        """Return where the report is: all of it would bury the message among what is in order."""
        return {"report": self._report_path}


def _report(cluster_name: str, checks: Sequence[Check], *, duration_s: float) -> dict[str, Any]:
    return {
        "cluster": cluster_name,
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "ok": all(check.ok for check in checks),
        "duration_s": round(duration_s, 1),
        "checks": [check.to_result() for check in checks],
    }
