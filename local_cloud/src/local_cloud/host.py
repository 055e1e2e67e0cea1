# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine must offer, checked before anything is changed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from local_cloud.errors import LocalCloudError
from local_cloud.paths import RUN_ROOT
from local_cloud.processes import ProcessId
from local_cloud.settings import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.paths import CloudPaths

__all__ = [
    "check_disk",
    "check_port",
    "check_root",
    "claim_network",
    "daemon_of",
    "ensure_programs",
    "exclusive",
    "free_port",
    "record_daemon",
    "release_network",
]

# Program and the Debian package that brings it.
_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}


_KEPT_PORTS = range(20000, 30000)


def check_root(command: str) -> None:
    if os.geteuid() != 0:
        raise LocalCloudError(f"`{command}` needs root: it makes network namespaces, cgroups and mounts.")


def ensure_programs(out: Callable[[str], None]) -> None:
    """Install the Debian packages whose programs are missing. Raises LocalCloudError naming them if that fails."""
    missing = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program) is None})
    if not missing:
        return
    out(f"installing {' '.join(missing)}")
    install = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends", *missing]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
        trouble = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["apt-get failed"])[-1]
    except FileNotFoundError:
        trouble = "there is no apt-get here"
    if trouble:
        raise LocalCloudError(f"missing Debian packages: {' '.join(missing)}. Installing them failed: {trouble}")


def check_disk(folder: Path, needed_gib: float, what: str) -> None:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_gib = shutil.disk_usage(existing).free / 2**30
    if free_gib < needed_gib:
        raise LocalCloudError(
            f"{folder} has {free_gib:.1f} GiB free and {what} needs {needed_gib:g} GiB. Make room, or set "
            "LOCAL_CLOUD_HOME and LOCAL_CLOUD_CACHE to folders on a larger disk."
        )


def free_port() -> int:
    """A port to keep: below the range from which the kernel takes ports for connections, which come and go."""
    for port in random.sample(_KEPT_PORTS, 100):
        with contextlib.suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            return port
    raise LocalCloudError("a hundred ports between 20000 and 29999 are all taken; choose one with --port")


def check_port(port: int) -> None:
    """Raise LocalCloudError naming the holder if the API's port is taken."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise LocalCloudError(
            f"port {port} on 127.0.0.1 is taken by {_port_holder(port)}. Stop that, or choose another with --port."
        ) from error


def _port_holder(port: int) -> str:
    inodes = {
        line.split()[9]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    }
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(handle) in {f"socket:[{inode}]" for inode in inodes}:
                pid = handle.parts[2]
                command = Path("/proc", pid, "cmdline").read_text().replace("\0", " ").strip()
                return f"process {pid} ({command[:80]})"
    return "a process that cannot be seen from here"


@contextmanager
def exclusive(path: Path, complaint: str) -> Iterator[None]:
    """Hold a lock file, or raise LocalCloudError with the complaint and the number of the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise LocalCloudError(f"{complaint} (process {lock.read().strip() or 'unknown'})") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def claim_network(paths: CloudPaths, recorded: int | None, *, has_droplets: bool) -> int:
    """Take the cloud's name and a number I for 198.18.I.0/24 on this machine, and return I.

    Raises LocalCloudError when another state folder's cloud holds the name, or when the network that this cloud's
    droplets live in is taken.
    """
    from local_cloud.machine.network import namespaces, routed_indexes

    with _machine_locked():
        claims = _claims()
        own = claims.pop(paths.name, None)
        if own is not None and own["home"] != str(paths.home):
            raise LocalCloudError(
                f"the namespace {paths.namespace} belongs to the cloud {paths.name!r} in {own['home']}. Stop that one "
                f"(LOCAL_CLOUD_HOME={Path(own['home']).parent} local-cloud stop --name {paths.name}), or choose "
                "another --name."
            )
        if own is None and paths.namespace in namespaces():
            raise LocalCloudError(
                f"a network namespace {paths.namespace} exists and no cloud here has made it. Choose another --name, "
                f"or remove it: ip netns del {paths.namespace}"
            )
        taken = {int(claim["index"]): name for name, claim in claims.items()}
        if own is None:
            taken |= {index: "a route of this machine" for index in routed_indexes() if index not in taken}
        index = _choose_index(recorded, taken, has_droplets=has_droplets)
        write_private(paths.claim, json.dumps({"home": str(paths.home), "index": index}) + "\n")
        _raise_limits()
        return index


@contextmanager
def _machine_locked() -> Iterator[None]:
    """One process at a time, on this machine, looks at the claims of all clouds."""
    with _open_lock():
        yield


def _open_lock() -> TextIO:
    while True:
        RUN_ROOT.mkdir(exist_ok=True, mode=0o755)
        with contextlib.suppress(FileNotFoundError):
            lock = (RUN_ROOT / "lock").open("a")
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever held it may have removed the file, as the last cloud does.
            if (RUN_ROOT / "lock").stat().st_ino == os.fstat(lock.fileno()).st_ino:
                return lock
            lock.close()


def _choose_index(recorded: int | None, taken: dict[int, str], *, has_droplets: bool) -> int:
    if recorded is not None and recorded not in taken:
        return recorded
    if recorded is not None and has_droplets:
        raise LocalCloudError(
            f"the network 198.18.{recorded}.0/24, in which this cloud's droplets live, is taken by {taken[recorded]}. "
            "Stop that, or start afresh with `local-cloud stop --purge`."
        )
    free = next((index for index in range(256) if index not in taken), None)
    if free is None:
        raise LocalCloudError("all 256 networks in 198.18.0.0/16 are taken on this machine.")
    return free


def _claims() -> dict[str, dict[str, str]]:
    claims = {}
    for path in RUN_ROOT.glob("*.json"):
        with contextlib.suppress(ValueError, FileNotFoundError):
            claims[path.stem] = json.loads(path.read_text())
    return claims


def release_network(paths: CloudPaths) -> None:
    """Give up the cloud's name and network; the last cloud on this machine leaves its settings as they were."""
    with _machine_locked():
        paths.claim.unlink(missing_ok=True)
        if _claims():
            return
        _restore_limits()
        for leftover in (RUN_ROOT / "limits", RUN_ROOT / "lock"):
            leftover.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        RUN_ROOT.rmdir()


# Kubelets and containerds of several droplets share one kernel and one user, for which its defaults are too small.
_LIMITS = {"fs/inotify/max_user_instances": 8192, "fs/inotify/max_user_watches": 524288}


def _raise_limits() -> None:
    """Raise what droplets full of pods use up, and remember how it was."""
    before = {name: int(Path("/proc/sys", name).read_text()) for name in _LIMITS}
    if not (RUN_ROOT / "limits").exists():
        write_private(RUN_ROOT / "limits", json.dumps(before) + "\n")
    for name, wanted in _LIMITS.items():
        if before[name] < wanted:
            Path("/proc/sys", name).write_text(str(wanted))


def _restore_limits() -> None:
    with contextlib.suppress(FileNotFoundError, ValueError):
        for name, value in json.loads((RUN_ROOT / "limits").read_text()).items():
            Path("/proc/sys", name).write_text(str(value))


def record_daemon(paths: CloudPaths, pid: int) -> None:
    """Write down which process runs the cloud."""
    if process := ProcessId.of(pid):
        content = {"pid": process.pid, "start_ticks": process.start_ticks}
        write_private(paths.daemon_record, json.dumps(content) + "\n")


def daemon_of(paths: CloudPaths) -> ProcessId | None:
    """The cloud's daemon, if it runs."""
    try:
        content = json.loads(paths.daemon_record.read_text())
    except (FileNotFoundError, ValueError):
        return None
    process = ProcessId(int(content["pid"]), int(content["start_ticks"]))
    return process if process.is_alive() else None
