# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_cloud.build.command import Commands, tells_no_progress
from local_cloud.build.keys import content_key

__all__ = ["Step", "Work", "step_keys"]


class Work:
    """What a step may use while it is made: the results it needs, commands, and a line to say how far it is."""

    def __init__(self, *, commands: Commands, results: Mapping[str, Path], log: Path) -> None:
        self.commands = commands
        self.log = log
        self._status: Callable[[], str] = str
        self._results = results

    def result(self, step: str) -> Path:
        """The folder that a needed step made."""
        return self._results[step]

    @property
    def status(self) -> str:
        """What the step is doing just now."""
        return self._status()

    def note(self, text: str) -> None:
        """Say what happens now; the next progress line shows it."""
        self._status = lambda: text

    def watch(self, status: Callable[[], str]) -> None:
        """Have each progress line ask for what to show."""
        self._status = status

    def run(
        self,
        *argv: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], bool] = tells_no_progress,
        sandbox: bool = False,
    ) -> None:
        """Run a command to its end; `sandbox` gives it mounts and processes of its own, which end with it.

        `on_line` gets each line of output and is true of one that only tells progress.
        """
        words = [str(word) for word in argv]
        self.commands.run(words, log=self.log, cwd=cwd, env=env, on_line=on_line, sandbox=sandbox)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One result of the build. `make` fills the folder that it is given."""

    name: str
    make: Callable[[Path, Work], None]
    inputs: tuple[str, ...]
    needs: tuple[str, ...] = ()
    disk_gib: float = 0.5


def step_keys(steps: Sequence[Step]) -> dict[str, str]:
    """The key of each step: over its inputs, the source of its recipe, and the keys of what it needs.

    A step stands behind those it needs.
    """
    keys: dict[str, str] = {}
    for step in steps:
        source = Path(inspect.getfile(step.make)).read_text()
        keys[step.name] = content_key(step.name, source, *step.inputs, *(keys[name] for name in step.needs))
    return keys
