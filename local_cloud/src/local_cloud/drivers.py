# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Driver", "MachineSpec", "PaperDriver"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSpec:
    """What a driver needs to know of a droplet."""

    number: int
    name: str
    vcpus: int
    memory_mib: int
    public_ip: str
    public_prefix: int
    gateway: str
    private_ip: str
    private_prefix: int


class Driver(Protocol):
    """Makes droplets real. Every call blocks until done, may be repeated, and raises MachineError.

    Calls for one droplet never overlap; calls for several do.
    """

    def on_power_change(self, report: Callable[[int, bool], None]) -> None:
        """Have `report(number, is_on)` called when a machine goes on or off without being told to."""

    def launch(self, spec: MachineSpec) -> None:
        """Make the machine if there is none, and switch it on."""

    def resume(self, spec: MachineSpec) -> None:
        """Take over a machine that should be on from an earlier run of the cloud: still running, or not."""

    def reboot(self, spec: MachineSpec) -> None: ...

    def shut_down(self, spec: MachineSpec) -> bool:
        """Ask the machine to power off; tells whether it has complied, in reasonable time."""

    def power_off(self, spec: MachineSpec) -> None: ...

    def power_cycle(self, spec: MachineSpec) -> None: ...

    def destroy(self, number: int) -> None:
        """Remove the machine and its disk."""


class PaperDriver:
    """Droplets without machines."""

    def on_power_change(self, report: Callable[[int, bool], None]) -> None:
        pass

    def launch(self, spec: MachineSpec) -> None:
        pass

    def resume(self, spec: MachineSpec) -> None:
        pass

    def reboot(self, spec: MachineSpec) -> None:
        pass

    def shut_down(self, spec: MachineSpec) -> bool:
        return True

    def power_off(self, spec: MachineSpec) -> None:
        pass

    def power_cycle(self, spec: MachineSpec) -> None:
        pass

    def destroy(self, number: int) -> None:
        pass
