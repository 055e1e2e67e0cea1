# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from local_cloud.errors import LocalCloudError

__all__ = ["DEFAULT_NAME", "RUN_ROOT", "CloudPaths", "cache_root", "state_root"]

DEFAULT_NAME = "flotilla"
RUN_ROOT = Path("/run/local-cloud")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,14}")


def state_root() -> Path:
    """The folder that holds one folder per cloud."""
    return Path(os.environ.get("LOCAL_CLOUD_HOME") or "/var/lib/local-cloud")


def cache_root() -> Path:
    """The folder of what `local-cloud build` made: shared by all clouds, never written by them."""
    return Path(os.environ.get("LOCAL_CLOUD_CACHE") or "/var/cache/local-cloud")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudPaths:
    """Where one cloud keeps what."""

    name: str
    home: Path

    @classmethod
    def of(cls, name: str) -> CloudPaths:
        if not _NAME.fullmatch(name):
            raise LocalCloudError(
                f"--name {name!r} is no name for a cloud: a lower-case letter first, then letters, digits or hyphens, "
                "15 characters at most."
            )
        return cls(name=name, home=state_root() / name)

    @property
    def settings(self) -> Path:
        return self.home / "settings.json"

    @property
    def connection(self) -> Path:
        return self.home / "connection.json"

    @property
    def daemon_record(self) -> Path:
        return self.home / "daemon.json"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def database(self) -> Path:
        return self.home / "cloud.sqlite"

    @property
    def daemon_log(self) -> Path:
        return self.home / "daemon.log"

    @property
    def request_log(self) -> Path:
        return self.home / "api.jsonl"

    @property
    def ssh_key(self) -> Path:
        return self.home / "id_ed25519"

    @property
    def certificate(self) -> Path:
        return self.home / "api.crt"

    @property
    def certificate_key(self) -> Path:
        return self.home / "api.key"

    @property
    def machines(self) -> Path:
        return self.home / "machines"

    @property
    def services(self) -> Path:
        return self.home / "services"

    @property
    def namespace(self) -> str:
        """The network namespace of the cloud; a droplet's is this, a dot and its number."""
        return f"lc-{self.name}"

    @property
    def cgroup(self) -> str:
        """The name of the cloud's folder below each cgroup hierarchy."""
        return f"local-cloud.{self.name}"

    @property
    def claim(self) -> Path:
        """Says on this machine, whatever the state folder, which cloud holds the name and the network."""
        return RUN_ROOT / f"{self.name}.json"
