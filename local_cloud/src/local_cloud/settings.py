# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Settings", "write_private"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a cloud keeps across restarts."""

    name: str
    driver: str
    delays: str
    network_index: int
    port: int
    token: str
    droplet_limit: int
    burst_limit: int
    tls_port: int = 0

    @classmethod
    def load(cls, path: Path) -> Settings | None:
        """The recorded settings; None for a cloud that was never started."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None

    def save(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self), indent=2) + "\n")

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2/"

    @property
    def tls_api_url(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}/v2/"

    @property
    def gateway(self) -> str:
        """The address of the cloud itself on the public network, where its services listen."""
        return f"198.18.{self.network_index}.1"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all or nothing."""
    partial = path.with_name(path.name + ".partial")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    partial.replace(path)
