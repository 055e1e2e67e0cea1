# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each stage of a run took."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stages
type: aggregate
short_description: Print each stage of a run with its duration
version_added: 0.1.0
description:
  - A stage is a role of this collection. When the next one begins, and at the end, its duration is printed in one line.
author: [flotilla.coreos contributors (@flotilla)]
requirements:
  - enabled in C(ansible.cfg) by C(callbacks_enabled)
options:
  stages_output:
    description: File to which the durations are written as JSON, in seconds, with the number of tasks; empty for none.
    type: str
    default: ""
    env:
      - name: FLOTILLA_STAGES_OUTPUT
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# callbacks_enabled = flotilla.coreos.stages
"""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.playbook.task import Task

_COLLECTION = "flotilla.coreos."


class CallbackModule(CallbackBase):
    """Counts tasks and seconds by role."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "flotilla.coreos.stages"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._started_s = time.monotonic()
        self._stage: str | None = None
        self._stage_started_s = self._started_s
        self._stages: list[dict[str, object]] = []
        self._tasks = 0
        self._stage_tasks = 0

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """Notice that another stage begins."""
        self._tasks += 1
        role = task._role.get_name() if task._role else ""
        stage = role.removeprefix(_COLLECTION)
        if stage and stage not in ("cluster", self._stage):
            self._finish()
            self._stage, self._stage_started_s, self._stage_tasks = stage, time.monotonic(), 0
        self._stage_tasks += 1

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Print the last stage and the total; write the file if one is wanted."""
        self._finish()
        total_s = time.monotonic() - self._started_s
        if self._stages:
            self._display.display(f"stages  {total_s:6.1f} s in all, {self._tasks} tasks", color="cyan")
        output = self.get_option("stages_output")
        if output:
            document = {"total_s": round(total_s, 2), "tasks": self._tasks, "stages": self._stages}
            Path(output).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    def _finish(self) -> None:
        if self._stage is None:
            return
        duration_s = time.monotonic() - self._stage_started_s
        self._stages.append({"stage": self._stage, "seconds": round(duration_s, 2), "tasks": self._stage_tasks})
        self._display.display(f"stage   {duration_s:6.1f} s {self._stage}", color="cyan")
        self._stage = None
