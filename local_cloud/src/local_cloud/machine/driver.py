# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.drivers import MachineSpec
from local_cloud.errors import MachineError
from local_cloud.machine.cgroups import Cgroup, is_unified
from local_cloud.machine.disk import MEMINFO, discard, make_disk, write_meminfo
from local_cloud.processes import ProcessId, wait_until
from local_cloud.settings import write_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.machine.network import CloudNetwork
    from local_cloud.paths import CloudPaths

__all__ = ["REBOOTED", "Machine", "NspawnDriver", "leader_of"]

_log = logging.getLogger(__name__)
# How nspawn, told to keep its unit, reports that the machine inside has rebooted.
REBOOTED = 133
_POWER_OFF_SIGNAL = signal.SIGRTMIN + 4
_REBOOT_SIGNAL = signal.SIGRTMIN + 5
_GRACE_S = {"power_off": 10.0, "shutdown": 60.0, "reboot": 60.0}

# The keeper: it outlives the daemon, so that a new one learns how the machine ended. Mounts are made in a namespace of
# their own and so vanish with the machine. nspawn's own run folder is hidden: it would leave files there.
_KEEPER = """
for procs in $LC_KEEPER_PROCS; do echo $$ > "$procs" || exit 125; done
unshare --mount --propagation private sh -ec '
    mount --bind "$LC_IMAGE/usr" "$LC_DISK/usr"
    mount -o remount,bind,ro "$LC_DISK/usr"
    mkdir -p /run/systemd/nspawn
    mount -t tmpfs -o mode=0755 tmpfs /run/systemd/nspawn
    for procs in $LC_MACHINE_PROCS; do echo $$ > "$procs"; done
    exec nsenter --net="$LC_NETNS" env -i PATH="$PATH" SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="$LC_UNIFIED" "$@"
' sh "$@"
echo $? > "$LC_EXIT.partial" && mv "$LC_EXIT.partial" "$LC_EXIT"
"""


class Machine:
    """One droplet's machine: its folder, its cgroup, and the process that keeps it."""

    def __init__(self, folder: Path, number: int, cgroup: Cgroup) -> None:
        self.folder = folder
        self.number = number
        self.cgroup = cgroup
        self.lock = threading.RLock()
        self.keeper: ProcessId | None = None
        self.spec: MachineSpec | None = None
        self.boots = 0
        self.should_run = False

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    @property
    def exit_file(self) -> Path:
        return self.folder / "exit"

    @property
    def record(self) -> Path:
        return self.folder / "machine.json"

    def exit_code(self) -> int | None:
        """How the machine ended: 0 for power-off, REBOOTED, anything else for a crash; None if nobody saw it."""
        try:
            return int(self.exit_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def is_on(self) -> bool:
        return self.keeper is not None and self.keeper.is_alive()

    def leader(self) -> ProcessId | None:
        return leader_of(self.cgroup)


def leader_of(cgroup: Cgroup) -> ProcessId | None:
    """A machine's own process number 1, as seen from outside."""
    for process in cgroup.processes():
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
        # A container inside the machine has a number 1 as well, one level further down.
        if len(numbers) == 2 and numbers[1] == "1":
            return process
    return None


@dataclass(frozen=True, slots=True)
class _Record:
    """What is remembered of a running machine for a daemon that comes later."""

    spec: MachineSpec
    image: Path
    keeper: ProcessId

    def save(self, path: Path) -> None:
        content = {
            "spec": asdict(self.spec),
            "image": str(self.image),
            "keeper": [self.keeper.pid, self.keeper.start_ticks],
        }
        write_private(path, json.dumps(content) + "\n")

    @classmethod
    def load(cls, path: Path) -> _Record | None:
        try:
            content = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return cls(MachineSpec(**content["spec"]), Path(content["image"]), ProcessId(*content["keeper"]))


class NspawnDriver:
    def __init__(self, paths: CloudPaths, network: CloudNetwork, image: Path) -> None:
        self._paths = paths
        self._network = network
        self._image = image
        self._machines: dict[int, Machine] = {}
        self._lock = threading.Lock()
        self._report: Callable[[int, bool], None] = lambda number, is_on: None

    def on_power_change(self, report: Callable[[int, bool], None]) -> None:
        self._report = report

    def launch(self, spec: MachineSpec) -> None:
        machine = self._machine(spec.number)
        with machine.lock:
            machine.should_run = True
            if not self._adopt(machine):
                self._boot(machine, spec)

    def resume(self, spec: MachineSpec) -> None:
        machine = self._machine(spec.number)
        with machine.lock:
            machine.should_run = True
            if self._adopt(machine):
                return
            if machine.exit_code() == 0:
                # It was switched off from inside while no daemon was there to note it.
                machine.should_run = False
                self._report(spec.number, False)
                return
            self._boot(machine, spec)

    def reboot(self, spec: MachineSpec) -> None:
        machine = self._machine(spec.number)
        boots = machine.boots
        leader = machine.leader()
        if leader is not None:
            leader.signal(_REBOOT_SIGNAL)
            if wait_until(lambda: machine.boots > boots, timeout_s=_GRACE_S["reboot"]):
                return
        _log.warning("droplet %s does not reboot by itself and is power cycled", spec.name)
        self.power_cycle(spec)

    def shut_down(self, spec: MachineSpec) -> bool:
        machine = self._machine(spec.number)
        machine.should_run = False
        is_off = self._ask_off(machine, _GRACE_S["shutdown"])
        machine.should_run = not is_off
        return is_off

    def power_off(self, spec: MachineSpec) -> None:
        machine = self._machine(spec.number)
        machine.should_run = False
        if not self._ask_off(machine, _GRACE_S["power_off"]):
            self._pull_plug(machine)

    def power_cycle(self, spec: MachineSpec) -> None:
        machine = self._machine(spec.number)
        machine.should_run = False
        self._pull_plug(machine)
        self.launch(spec)

    def destroy(self, number: int) -> None:
        machine = self._machine(number)
        machine.should_run = False
        self._pull_plug(machine)
        machine.cgroup.remove()
        with self._lock:
            del self._machines[number]
        discard(machine.folder, self._paths.machines / ".trash")

    def _machine(self, number: int) -> Machine:
        with self._lock:
            if number not in self._machines:
                cgroup = Cgroup(f"{self._paths.cgroup}/droplet-{number}")
                self._machines[number] = Machine(self._paths.machines / str(number), number, cgroup)
            return self._machines[number]

    def _adopt(self, machine: Machine) -> bool:
        """Go on with a machine that runs already; False if there is none."""
        if machine.is_on():
            return True
        record = _Record.load(machine.record)
        if record is None or not record.keeper.is_alive():
            return False
        machine.keeper, machine.spec = record.keeper, record.spec
        self._watch(machine, record.keeper, None)
        return True

    def _boot(self, machine: Machine, spec: MachineSpec) -> None:
        """Start nspawn. Whatever is left of an earlier boot is cleared away first."""
        machine.cgroup.remove()
        machine.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        image = self._image_of(machine)
        make_disk(image, machine.disk, spec)
        write_meminfo(machine.disk, spec.memory_mib)
        machine.exit_file.unlink(missing_ok=True)
        machine.cgroup.create()
        machine.cgroup.limit(vcpus=spec.vcpus, memory_mib=spec.memory_mib)
        keepers = Cgroup(f"{self._paths.cgroup}/keepers")
        keepers.create()
        namespace = self._network.plug(spec)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_KEEPER_PROCS": " ".join(map(str, keepers.process_files())),
            "LC_MACHINE_PROCS": " ".join(map(str, machine.cgroup.process_files())),
            "LC_IMAGE": str(image),
            "LC_DISK": str(machine.disk),
            "LC_NETNS": str(namespace),
            "LC_UNIFIED": "1" if is_unified() else "0",
            "LC_EXIT": str(machine.exit_file),
        }
        with machine.console.open("ab") as console:
            child = subprocess.Popen(
                ["sh", "-c", _KEEPER, "keeper", *self._nspawn(machine)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        keeper = ProcessId.of(child.pid)
        if keeper is None or not wait_until(lambda: self._has_begun(machine, keeper), timeout_s=20):
            self._pull_plug(machine)
            raise MachineError(f"the machine of droplet {spec.name} did not start: {_tail(machine.console)}")
        machine.keeper, machine.spec = keeper, spec
        _Record(spec, image, keeper).save(machine.record)
        machine.boots += 1
        self._watch(machine, keeper, child)

    def _has_begun(self, machine: Machine, keeper: ProcessId) -> bool:
        if not keeper.is_alive():
            raise MachineError(f"nspawn ended at once: {_tail(machine.console)}")
        return machine.leader() is not None

    def _image_of(self, machine: Machine) -> Path:
        """A droplet stays with the image it was made of, as long as that is there: then it gets today's /usr."""
        record = _Record.load(machine.record)
        if record is None or not machine.disk.exists() or record.image == self._image:
            return self._image
        if (record.image / "usr/lib/systemd/systemd").exists():
            return record.image
        _log.warning("the image of droplet %s is gone: it goes on with %s", machine.number, self._image)
        return self._image

    def _nspawn(self, machine: Machine) -> list[str]:
        return [
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            f"--directory={machine.disk}",
            f"--machine={self._paths.name}-{machine.number}",
            # The name comes from the metadata service, by the agent inside.
            "--hostname=localhost",
            "--capability=all",
            "--system-call-filter=@known keyctl bpf",
            "--console=pipe",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            # nspawn makes mounts below /proc last, when the disk is its root: the source is a path on the disk.
            f"--bind-ro={MEMINFO}:/proc/meminfo",
            # systemd 257 refuses cgroup v1 without it.
            "--setenv=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
            "--boot",
            "systemd.show_status=1",
        ]

    def _watch(self, machine: Machine, keeper: ProcessId, child: subprocess.Popen[bytes] | None) -> None:
        thread = threading.Thread(
            target=self._await_end, args=(machine, keeper, child), name=f"droplet-{machine.number}", daemon=True
        )
        thread.start()

    def _await_end(self, machine: Machine, keeper: ProcessId, child: subprocess.Popen[bytes] | None) -> None:
        if child is not None:
            child.wait()
        else:
            keeper.wait()
        with machine.lock:
            if machine.keeper != keeper:
                return
            machine.keeper = None
            code = machine.exit_code()
            self._network.unplug(machine.number)
            if not machine.should_run or machine.spec is None:
                return
            if code == REBOOTED:
                try:
                    self._boot(machine, machine.spec)
                except MachineError:
                    _log.exception("droplet %s did not come back from its reboot", machine.spec.name)
                else:
                    return
            machine.should_run = False
        _log.info("droplet %s is off (nspawn ended with %s)", machine.number, code)
        self._report(machine.number, False)

    def _ask_off(self, machine: Machine, timeout_s: float) -> bool:
        leader, keeper = machine.leader(), machine.keeper
        if leader is None or keeper is None:
            return True
        leader.signal(_POWER_OFF_SIGNAL)
        return keeper.wait(timeout_s)

    def _pull_plug(self, machine: Machine) -> None:
        """As if the power failed: off the network first, so that nobody hears a good-bye."""
        self._network.unplug(machine.number)
        with machine.lock:
            keeper, machine.keeper = machine.keeper, None
            if keeper is not None:
                keeper.kill_session()
            machine.cgroup.kill()


def _tail(console: Path) -> str:
    lines = console.read_text(errors="replace").splitlines() if console.exists() else []
    return " / ".join(lines[-3:]) or "it said nothing"
