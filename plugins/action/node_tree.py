# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of the module node_tree: see plugins/modules/node_tree.py for its documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.archive import File
from ansible_collections.flotilla.coreos.plugins.module_utils._node.tree import differing, read_tree, write_tree
from ansible_collections.flotilla.coreos.plugins.plugin_utils._node_action import NodeAction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ActionModule(NodeAction):
    """Pushes a tree of files to one node."""

    ARGUMENTS = {
        "host": {"type": "str", "required": True},
        "files": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "path": {"type": "str", "required": True},
                "content": {"type": "str", "required": True},
                "mode": {"type": "str", "default": "0644"},
            },
        },
        "timeout_s": {"type": "int", "default": 60},
    }

    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Compare, write what differs unless in check mode, and return the paths."""
        connection = self.connect(arguments["host"], task_vars)
        wanted = [_file(entry) for entry in arguments["files"]]
        connection.wait_until_reachable(arguments["timeout_s"])
        current = read_tree(connection, [file.path for file in wanted])
        changed = differing(wanted, current)
        if changed and not self.is_check_mode:
            write_tree(connection, changed)
        return {
            "changed": bool(changed),
            "paths": [f"/{file.path}" for file in changed],
            "diff": _diff(changed, current) if self._task.diff else [],
        }


def _file(entry: Mapping[str, str]) -> File:
    path, mode = entry["path"], entry["mode"]
    if not path.startswith("/") or path.endswith("/"):
        raise ConfigError(f"node_tree: path {path} is no absolute path of a file")
    try:
        bits = int(mode, 8)
    except ValueError:
        raise ConfigError(f"node_tree: mode {mode} of {path} is no octal number such as 0644") from None
    return File(path=path.lstrip("/"), content=entry["content"].encode(), mode=bits)


def _diff(changed: Sequence[File], current: Mapping[str, File]) -> list[dict[str, str]]:
    return [
        {
            "before_header": f"/{file.path}",
            "after_header": f"/{file.path} (mode {file.mode:04o})",
            "before": current[file.path].content.decode(errors="replace") if file.path in current else "",
            "after": file.content.decode(),
        }
        for file in changed
    ]
