# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of the module run_lock: see plugins/modules/run_lock.py for its documentation."""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.flotilla.coreos.plugins.module_utils._node.process import Holder
from ansible_collections.flotilla.coreos.plugins.module_utils._node.run_lock import NAME, hold, refuse_if_held, release
from ansible_collections.flotilla.coreos.plugins.plugin_utils._node_action import NodeAction, main_process_id


class ActionModule(NodeAction):
    """Takes or gives back the lock of this controller for the running ansible process."""

    ARGUMENTS = {
        "cluster_name": {"type": "str", "required": True},
        "state": {"type": "str", "default": "held", "choices": ["held", "released"]},
        "output_dir": {"type": "path", "default": ".state"},
    }

    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Take or give back; in check mode, only refuse where another run holds it."""
        folder = self.output_folder(arguments["output_dir"], arguments["cluster_name"]).path
        holder = Holder.of_process(main_process_id(), now=datetime.datetime.now(datetime.UTC))
        if self.is_check_mode:
            refuse_if_held(folder, holder)
        elif arguments["state"] == "held":
            hold(folder, holder)
        else:
            release(folder, holder)
        # A lock is no change of the cluster's: a run that changes nothing else shall say so.
        return {"changed": False, "path": str(folder / NAME)}
