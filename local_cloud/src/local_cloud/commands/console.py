# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from typing import TYPE_CHECKING

from local_cloud import host
from local_cloud.commands.logs import find_droplet
from local_cloud.errors import LocalCloudError
from local_cloud.machine.cgroups import Cgroup
from local_cloud.machine.driver import leader_of

if TYPE_CHECKING:
    from local_cloud.paths import CloudPaths

__all__ = ["console"]


def console(paths: CloudPaths, name: str) -> int:
    """Become a root shell inside the droplet."""
    host.check_root("local-cloud console")
    leader = leader_of(Cgroup(f"{paths.cgroup}/droplet-{find_droplet(paths, name)}"))
    if leader is None:
        raise LocalCloudError(f"droplet {name!r} is not on; its last words: local-cloud logs {name}")
    environment = {"TERM": os.environ.get("TERM", "dumb"), "HOME": "/root", "PATH": "/opt/bin:/usr/sbin:/usr/bin"}
    enter = ["nsenter", "-t", str(leader.pid), "-a", "/bin/sh", "-c", "cd; exec /bin/bash -l"]
    os.execvpe("nsenter", enter, environment | {"PATH": f"{environment['PATH']}:/sbin:/bin"})
