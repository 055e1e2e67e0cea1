# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real neighbours of the droplets: artifact mirror, image registry, discovery, name server.

They are Debian's programs, run from the cloud's own root file system inside the cloud's network namespace, so nothing
of them is installed or listening on this machine itself.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.errors import LocalCloudError
from local_cloud.machine.cgroups import Cgroup
from local_cloud.processes import ProcessId
from local_cloud.settings import write_private

if TYPE_CHECKING:
    from local_cloud.machine.network import CloudNetwork
    from local_cloud.paths import CloudPaths

__all__ = ["SERVICE_NAMES", "ServiceRoots", "Services"]

_log = logging.getLogger(__name__)
SERVICE_NAMES = ("mirror", "registry", "etcd", "discovery", "dns")
_RESTART_PAUSE_S = 1.0
# In the services' root: the mirror, the registry's storage, the cloud's own folder. All three exist in every Debian.
_MIRROR, _REGISTRY, _STATE = "/srv", "/media", "/mnt"

_LAUNCH = """
for procs in $LC_PROCS; do echo $$ > "$procs" || exit 125; done
exec unshare --mount --propagation private sh -ec '
    mount --bind -o ro "$LC_MIRROR" "$LC_ROOT/srv" && mount -o remount,bind,ro "$LC_ROOT/srv"
    mount --bind -o ro "$LC_REGISTRY" "$LC_ROOT/media" && mount -o remount,bind,ro "$LC_ROOT/media"
    mount --bind "$LC_STATE" "$LC_ROOT/mnt"
    mount -t tmpfs tmpfs "$LC_ROOT/run"
    mount -t tmpfs tmpfs "$LC_ROOT/tmp"
    mount -t proc proc "$LC_ROOT/proc"
    mount --rbind /dev "$LC_ROOT/dev"
    exec nsenter --net="$LC_NETNS" chroot "$LC_ROOT" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/tmp "$@"
' sh "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRoots:
    """What `local-cloud build` made for the services; read only."""

    services: Path
    mirror: Path
    registry: Path


@dataclass(frozen=True, slots=True)
class _Service:
    name: str
    argv: tuple[str, ...]
    port: int
    address: str


class Services:
    def __init__(self, paths: CloudPaths, network: CloudNetwork, roots: ServiceRoots) -> None:
        self._paths = paths
        self._network = network
        self._roots = roots
        self._cgroup = Cgroup(f"{paths.cgroup}/services")
        self._running: dict[str, ProcessId] = {}
        self._restarts: dict[str, int] = dict.fromkeys(SERVICE_NAMES, 0)
        self._lock = threading.Lock()
        self._is_stopping = False

    def start(self) -> None:
        """Start them all, in place of those that an earlier daemon may have left, and keep them running."""
        self._cgroup.create()
        self._cgroup.kill()
        self._paths.services.mkdir(exist_ok=True, mode=0o700)
        _write_configuration(self._paths.services, self._network.gateway)
        for service in self._services():
            threading.Thread(target=self._keep, args=(service,), name=service.name, daemon=True).start()

    def stop(self) -> None:
        self._is_stopping = True
        self._cgroup.kill()

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until each accepts connections. Raises LocalCloudError naming those that do not."""
        deadline_s = time.monotonic() + timeout_s
        waiting = [service for service in self._services() if service.address != "127.0.0.1"]
        while waiting := [service for service in waiting if not _accepts(service.address, service.port)]:
            if time.monotonic() > deadline_s:
                names = ", ".join(f"{service.name} ({service.address}:{service.port})" for service in waiting)
                raise LocalCloudError(
                    f"not reachable {timeout_s:.0f} s after their start: {names}. "
                    f"Their own words: local-cloud logs {waiting[0].name} --name {self._paths.name}"
                )
            time.sleep(0.05)

    def _services(self) -> list[_Service]:
        here, local = self._network.gateway, "127.0.0.1"
        etcd_url = f"http://{local}:2379"
        return [
            _Service("mirror", ("nginx", "-e", "stderr", "-c", f"{_STATE}/nginx.conf"), 80, here),
            _Service("registry", ("docker-registry", "serve", f"{_STATE}/registry.yml"), 5000, here),
            _Service(
                "etcd",
                ("etcd", "--enable-v2", "--log-level=warn", f"--data-dir={_STATE}/etcd",
                 f"--listen-client-urls={etcd_url}", f"--advertise-client-urls={etcd_url}",
                 f"--listen-peer-urls=http://{local}:2380"),
                2379,
                local,
            ),
            _Service(
                "discovery",
                ("discovery.etcd.io", f"--addr={here}:8087", f"--etcd={etcd_url}", f"--host=http://{here}:8087"),
                8087,
                here,
            ),
            _Service("dns", ("dnsmasq", "--keep-in-foreground", f"--conf-file={_STATE}/dnsmasq.conf"), 53, here),
        ]  # fmt: skip

    def _keep(self, service: _Service) -> None:
        """Run a service again whenever it ends."""
        while not self._is_stopping:
            child = self._launch(service)
            self._note(service.name, ProcessId.of(child.pid))
            code = child.wait()
            if self._is_stopping:
                return
            _log.warning("service %s ended with %s and is started again", service.name, code)
            self._restarts[service.name] += 1
            time.sleep(_RESTART_PAUSE_S)

    def _launch(self, service: _Service) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_PROCS": " ".join(map(str, self._cgroup.process_files())),
            "LC_ROOT": str(self._roots.services),
            "LC_MIRROR": str(self._roots.mirror),
            "LC_REGISTRY": str(self._roots.registry),
            "LC_STATE": str(self._paths.services),
            "LC_NETNS": str(self._network.path()),
        }
        with (self._paths.services / f"{service.name}.log").open("ab") as log:
            return subprocess.Popen(
                ["sh", "-c", _LAUNCH, service.name, *service.argv],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _note(self, name: str, process: ProcessId | None) -> None:
        """Write down for `local-cloud status` which processes they are."""
        with self._lock:
            if process is not None:
                self._running[name] = process
            content = {
                name: {"pid": running.pid, "start_ticks": running.start_ticks, "restarts": self._restarts[name]}
                for name, running in self._running.items()
            }
            write_private(self._paths.services / "services.json", json.dumps(content) + "\n")


def _accepts(address: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False


def _write_configuration(folder: Path, address: str) -> None:
    (folder / "etcd").mkdir(exist_ok=True, mode=0o700)
    (folder / "nginx.conf").write_text(_NGINX.replace("ADDRESS", address))
    (folder / "registry.yml").write_text(_REGISTRY_YML.replace("ADDRESS", address))
    (folder / "dnsmasq.conf").write_text(_DNSMASQ.replace("ADDRESS", address))


_NGINX = f"""\
daemon off;
user root;
worker_processes 1;
pid /run/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    default_type application/octet-stream;
    sendfile on;
    access_log {_STATE}/mirror-requests.log;
    client_body_temp_path /run/nginx-body;
    proxy_temp_path /run/nginx-proxy;
    fastcgi_temp_path /run/nginx-fastcgi;
    uwsgi_temp_path /run/nginx-uwsgi;
    scgi_temp_path /run/nginx-scgi;
    server {{
        listen ADDRESS:80;
        root {_MIRROR};
        autoindex on;
    }}
}}
"""
# Read only: what the droplets pull is what was built.
_REGISTRY_YML = f"""\
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {_REGISTRY}
  maintenance:
    uploadpurging:
      enabled: false
    readonly:
      enabled: true
http:
  addr: ADDRESS:5000
"""
# There is no world beyond the cloud: every name is answered at once, with "no such name".
_DNSMASQ = """\
user=root
bind-interfaces
listen-address=ADDRESS
no-resolv
no-hosts
address=/#/
log-facility=-
"""
