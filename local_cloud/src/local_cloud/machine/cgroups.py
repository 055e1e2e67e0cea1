# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.errors import MachineError
from local_cloud.processes import ProcessId, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cgroup", "is_unified"]

_V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted cgroup hierarchy; `controllers` is empty for the two that only track processes."""

    root: Path
    controllers: frozenset[str]
    is_v2: bool


@cache
def hierarchies() -> tuple[Hierarchy, ...]:
    """Every hierarchy of this machine: one with cgroup v2 alone, a dozen where v1 controllers stand beside it."""
    found = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2":
            controllers = Path(where, "cgroup.controllers").read_text().split()
            found.append(Hierarchy(Path(where), frozenset(controllers), True))
        elif kind == "cgroup":
            known = set(options.split(",")) & {"cpu", "cpuacct", "cpuset", "memory", "pids", "freezer", "devices"}
            found.append(Hierarchy(Path(where), frozenset(known), False))
    if not found:
        raise MachineError("no cgroup file system is mounted on this machine, and droplets need one")
    return tuple(found)


def is_unified() -> bool:
    """Whether this machine has cgroup v2 alone."""
    return all(hierarchy.is_v2 for hierarchy in hierarchies())


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One name below every hierarchy, for example `local-cloud.flotilla/droplet-1`."""

    name: str

    def create(self) -> None:
        """Make it everywhere, with the controllers passed down to it. May be repeated."""
        for hierarchy in hierarchies():
            folder = hierarchy.root
            for part in Path(self.name).parts:
                _pass_down(hierarchy, folder)
                folder = folder / part
                folder.mkdir(exist_ok=True)
                if "cpuset" in hierarchy.controllers and not hierarchy.is_v2:
                    _inherit_cpuset(folder)

    def limit(self, *, vcpus: int, memory_mib: int) -> None:
        """Give it the processor time and the memory of a size slug."""
        period_us = 100_000
        for hierarchy in hierarchies():
            folder = hierarchy.root / self.name
            if hierarchy.is_v2 and "memory" in hierarchy.controllers:
                (folder / "memory.max").write_text(str(memory_mib << 20))
                (folder / "cpu.max").write_text(f"{vcpus * period_us} {period_us}")
            elif "memory" in hierarchy.controllers:
                (folder / "memory.limit_in_bytes").write_text(str(memory_mib << 20))
            elif "cpu" in hierarchy.controllers and not hierarchy.is_v2:
                (folder / "cpu.cfs_period_us").write_text(str(period_us))
                (folder / "cpu.cfs_quota_us").write_text(str(vcpus * period_us))

    def process_files(self) -> list[Path]:
        """The files into which a process writes its number to join."""
        return [hierarchy.root / self.name / "cgroup.procs" for hierarchy in hierarchies()]

    def memory_bytes(self) -> int | None:
        """Memory in use without the page cache that can be dropped; None if it cannot be told."""
        for hierarchy in hierarchies():
            folder = hierarchy.root / self.name
            used = folder / ("memory.current" if hierarchy.is_v2 else "memory.usage_in_bytes")
            with contextlib.suppress(OSError):
                total = int(used.read_text())
                stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                return total - int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))
        return None

    def processes(self) -> Iterator[ProcessId]:
        """Everything in it or below it, in whatever hierarchy."""
        seen = set()
        for hierarchy in hierarchies():
            for folder, _, files in os.walk(hierarchy.root / self.name):
                if "cgroup.procs" not in files:
                    continue
                with contextlib.suppress(OSError):
                    seen |= {int(pid) for pid in Path(folder, "cgroup.procs").read_text().split()}
        for pid in seen:
            if process := ProcessId.of(pid):
                yield process

    def exists(self) -> bool:
        return any((hierarchy.root / self.name).exists() for hierarchy in hierarchies())

    def kill(self, *, timeout_s: float = 10) -> None:
        """Kill everything in it. Raises MachineError naming what will not die."""

        def is_empty() -> bool:
            left = list(self.processes())
            for process in left:
                process.signal(signal.SIGKILL)
            return not left

        if not wait_until(is_empty, timeout_s=timeout_s):
            numbers = ", ".join(str(process.pid) for process in self.processes())
            raise MachineError(f"processes {numbers} of {self.name} could not be killed within {timeout_s:.0f} s")

    def remove(self) -> None:
        """Kill what is in it and take it away everywhere."""
        self.kill()
        for hierarchy in hierarchies():
            root = hierarchy.root / self.name
            # A cgroup stays busy for a moment after its last process.
            if not wait_until(lambda root=root: _remove_tree(root), timeout_s=5):  # type: ignore[misc]
                raise MachineError(f"{root} could not be removed although nothing runs in it")


def _remove_tree(root: Path) -> bool:
    for folder, _, _ in os.walk(root, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
    return not root.exists()


def _pass_down(hierarchy: Hierarchy, folder: Path) -> None:
    if not hierarchy.is_v2:
        return
    for controller in hierarchy.controllers.intersection(_V2_CONTROLLERS):
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(folder: Path) -> None:
    """A new v1 cpuset has no processors and no memory, and takes no process until it has some."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (folder / name).read_text().strip():
            (folder / name).write_text((folder.parent / name).read_text())
    (folder / "cgroup.clone_children").write_text("1")
