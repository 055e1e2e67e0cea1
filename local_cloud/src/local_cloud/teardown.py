# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a cloud off this machine: the same whether its daemon ended well, was killed, or never ran."""

from __future__ import annotations

import contextlib
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.host import daemon_of, release_network
from local_cloud.machine.cgroups import Cgroup, hierarchies
from local_cloud.machine.driver import leader_of
from local_cloud.machine.network import remove_network
from local_cloud.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.paths import CloudPaths

__all__ = ["droplet_cgroups", "remove_from_machine", "stop_daemon"]

_POWER_OFF_SIGNAL = signal.SIGRTMIN + 4


def stop_daemon(paths: CloudPaths, *, timeout_s: float = 5) -> bool:
    """End the daemon, gently at first; tells whether there was one."""
    daemon = daemon_of(paths)
    if daemon is None:
        return False
    daemon.signal(signal.SIGTERM)
    if not daemon.wait(timeout_s):
        daemon.kill()
        daemon.wait(timeout_s)
    paths.daemon_record.unlink(missing_ok=True)
    return True


def droplet_cgroups(paths: CloudPaths) -> dict[int, Cgroup]:
    """The cgroups of this cloud's droplets, by number, found on the machine and not in any record."""
    numbers = {
        int(folder.name.removeprefix("droplet-"))
        for hierarchy in hierarchies()
        for folder in (hierarchy.root / paths.cgroup).glob("droplet-*")
        if folder.name.removeprefix("droplet-").isdecimal()
    }
    return {number: Cgroup(f"{paths.cgroup}/droplet-{number}") for number in sorted(numbers)}


def remove_from_machine(
    paths: CloudPaths, *, network_index: int | None, grace_s: float, out: Callable[[str], None]
) -> None:
    """End every process of the cloud and remove its cgroups and namespaces. Droplets get `grace_s` to shut down."""
    machines = droplet_cgroups(paths)
    if machines and grace_s > 0:
        out(f"shutting down {len(machines)} droplets")
        _shut_down(list(machines.values()), grace_s)
    Cgroup(paths.cgroup).remove()
    remove_network(paths.namespace, network_index)
    # An exit that the keepers noted while being torn down is no power-off by the droplet's own will.
    for exit_file in paths.machines.glob("*/exit*"):
        exit_file.unlink(missing_ok=True)
    shutil.rmtree(paths.machines / ".trash", ignore_errors=True)
    with contextlib.suppress(OSError):
        Path("/run/systemd/nspawn").rmdir()
    release_network(paths)


def _shut_down(machines: list[Cgroup], grace_s: float) -> None:
    leaders = [leader for machine in machines if (leader := leader_of(machine)) is not None]
    for leader in leaders:
        leader.signal(_POWER_OFF_SIGNAL)
    wait_until(lambda: not any(leader.is_alive() for leader in leaders), timeout_s=grace_s)
