# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from local_cloud.build.command import Commands
from local_cloud.build.step import Step, Work
from local_cloud.build.store import Store

__all__ = ["make_missing"]

_HEARTBEAT_S = 5.0
# One lane compiles, which fills the cores, while the other mostly waits for downloads.
_LANES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    step: Step
    work: Work
    started_s: float

    def line(self, text: str) -> str:
        return f"{self.step.name:<16} {time.monotonic() - self.started_s:5.0f} s  {text}".rstrip()


def make_missing(steps: Sequence[Step], keys: Mapping[str, str], store: Store, out: Callable[[str], None]) -> None:
    """Make every step that the store lacks, two at a time, each as soon as what it needs is there.

    Raises what the first failing step raised; the other is ended then, and what was finished stays.
    """
    missing = [step for step in steps if not store.has(step.name, keys[step.name])]
    results = {name: store.result(name, key) for name, key in keys.items()}
    with _lanes() as (pool, commands):
        running: dict[Future[None], _Running] = {}
        while missing or running:
            for step in _startable(missing, running)[: _LANES - len(running)]:
                missing.remove(step)
                work = Work(commands=commands, results=results, log=store.log(step.name))
                out(f"{step.name:<16}     0 s  started")
                job = pool.submit(_make, step, keys[step.name], store, work)
                running[job] = _Running(step=step, work=work, started_s=time.monotonic())
            _report(running, out)


@contextmanager
def _lanes() -> Iterator[tuple[ThreadPoolExecutor, Commands]]:
    commands = Commands()
    with ThreadPoolExecutor(_LANES) as pool:
        try:
            yield pool, commands
        except BaseException:
            commands.stop()
            raise


def _startable(missing: Sequence[Step], running: Mapping[Future[None], _Running]) -> list[Step]:
    pending = {step.name for step in missing} | {entry.step.name for entry in running.values()}
    return [step for step in missing if pending.isdisjoint(step.needs)]


def _make(step: Step, key: str, store: Store, work: Work) -> None:
    with store.filling(step.name, key) as folder:
        step.make(folder, work)


def _report(running: dict[Future[None], _Running], out: Callable[[str], None]) -> None:
    """Wait for the next step to finish, with a sign of life of each every few seconds."""
    finished, _ = wait(running, timeout=_HEARTBEAT_S, return_when=FIRST_COMPLETED)
    for job in finished:
        entry = running.pop(job)
        job.result()
        out(entry.line("done"))
    if not finished:
        for entry in running.values():
            out(entry.line(entry.work.status))
