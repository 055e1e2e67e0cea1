# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_cloud import catalogue
from local_cloud.actions import Actions
from local_cloud.droplets import Droplets
from local_cloud.problems import not_found
from local_cloud.ssh_keys import SshKeys
from local_cloud.tags import Tags
from local_cloud.timestamps import rfc3339

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from local_cloud.addresses import AddressPlan
    from local_cloud.catalogue import Image
    from local_cloud.delays import Delays
    from local_cloud.store import Store

__all__ = ["Account", "Vpcs"]


class Vpcs:
    """The default VPC of each region, made when its first droplet is. They can only be read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[dict[str, Any]]:
        return [_vpc_to_api(row) for row in self._store.rows("SELECT * FROM vpcs ORDER BY created_at, id")]

    def get(self, identifier: str) -> dict[str, Any]:
        row = self._store.row("SELECT * FROM vpcs WHERE id = ?", identifier)
        if row is None:
            raise not_found()
        return _vpc_to_api(row)

    def members(self, identifier: str) -> list[dict[str, Any]]:
        self.get(identifier)
        rows = self._store.rows("SELECT * FROM droplets WHERE vpc_id = ? AND placed ORDER BY id", identifier)
        return [
            {"name": row["name"], "urn": f"do:droplet:{row['id']}", "created_at": rfc3339(row["created_at"])}
            for row in rows
        ]


def _vpc_to_api(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "urn": f"do:vpc:{row['id']}",
        "name": row["name"],
        "description": "",
        "region": row["region"],
        "ip_range": row["ip_range"],
        "created_at": rfc3339(row["created_at"]),
        "default": True,
    }


@dataclass(kw_only=True)
class Account:
    """Everything behind one API token."""

    store: Store
    plan: AddressPlan
    delays: Delays
    token: str
    droplet_limit: int
    # Which images a droplet can be made of: without machines all of them.
    bootable: Callable[[Image], bool] = lambda _: True
    tags: Tags = field(init=False)
    ssh_keys: SshKeys = field(init=False)
    droplets: Droplets = field(init=False)
    actions: Actions = field(init=False)
    vpcs: Vpcs = field(init=False)

    def __post_init__(self) -> None:
        self.tags = Tags(self.store)
        self.ssh_keys = SshKeys(self.store)
        self.droplets = Droplets(
            self.store, tags=self.tags, ssh_keys=self.ssh_keys, plan=self.plan, bootable=self.bootable
        )
        self.droplets.limit = self.droplet_limit
        self.actions = Actions(self.store, self.delays)
        self.vpcs = Vpcs(self.store)

    def to_api(self) -> dict[str, Any]:
        return {
            "droplet_limit": self.droplet_limit,
            "floating_ip_limit": 3,
            "email": "operator@example.com",
            "name": "Local Cloud",
            "uuid": "00000000-0000-4000-8000-000000000001",
            "email_verified": True,
            "status": "active",
            "status_message": "",
            "team": {"uuid": "00000000-0000-4000-8000-000000000002", "name": "My Team"},
        }

    def images(self) -> list[Image]:
        return [image for image in catalogue.IMAGES if self.bootable(image)]
