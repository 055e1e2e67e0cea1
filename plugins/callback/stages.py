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
  - A stage is a role of this collection. When the next one begins, and at the end, one line tells how long it took, how
    many tasks it had, and how many API requests and SSH exchanges its tasks reported.
author: [flotilla.coreos contributors (@flotilla)]
requirements:
  - enabled in C(ansible.cfg) by C(callbacks_enabled)
options:
  stages_output:
    description: File to which the same figures are written as JSON, durations in seconds; empty for none.
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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import TaskResult
    from ansible.playbook.task import Task

_COLLECTION = "flotilla.coreos."


@dataclass(kw_only=True)
class Stage:
    """What one stage cost so far."""

    stage: str
    started_s: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    tasks: int = 0
    api_requests: int = 0
    ssh_exchanges: int = 0

    def line(self) -> str:
        """Return the line that the operator sees."""
        parts = [f"stage   {self.seconds:6.1f} s  {self.stage:<13}"]
        if self.api_requests:
            parts.append(f"{self.api_requests} API requests")
        if self.ssh_exchanges:
            parts.append(f"{self.ssh_exchanges} SSH exchanges")
        return "  ".join(parts).rstrip()


class CallbackModule(CallbackBase):
    """Counts seconds, tasks, API requests and SSH exchanges by role."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "flotilla.coreos.stages"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._started_s = time.monotonic()
        self._stages: list[Stage] = []
        self._is_stage_open = False
        self._tasks = 0

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """Notice that another stage begins."""
        self._tasks += 1
        role = task._role.get_name().removeprefix(_COLLECTION) if task._role else ""
        if role == "cluster":
            return
        if not self._is_stage_open or role != self._stages[-1].stage:
            self._finish()
            if role:
                self._stages.append(Stage(stage=role))
                self._is_stage_open = True
        if self._is_stage_open:
            self._stages[-1].tasks += 1

    def v2_runner_on_ok(self, result: TaskResult) -> None:
        """Add what the task says of its own cost."""
        if self._is_stage_open:
            self._stages[-1].api_requests += int(result._result.get("api_requests", 0))
            self._stages[-1].ssh_exchanges += int(result._result.get("ssh_exchanges", 0))

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Print the last stage and the total; write the file if one is wanted."""
        self._finish()
        total_s = time.monotonic() - self._started_s
        if self._stages:
            self._display.display(f"stages  {total_s:6.1f} s  in all, {self._tasks} tasks", color="cyan")
        output = self.get_option("stages_output")
        if output:
            stages = [asdict(stage) for stage in self._stages]
            document = {"total_s": round(total_s, 2), "tasks": self._tasks, "stages": stages}
            Path(output).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    def _finish(self) -> None:
        if not self._is_stage_open:
            return
        stage = self._stages[-1]
        stage.seconds = round(time.monotonic() - stage.started_s, 2)
        self._display.display(stage.line(), color="cyan")
        self._is_stage_open = False
