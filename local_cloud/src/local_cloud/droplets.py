# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Droplets as the API sees them: checks, creation, reading, deletion. What then happens is the engine's."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from local_cloud import addresses, catalogue
from local_cloud.drivers import MachineSpec
from local_cloud.problems import not_found, unprocessable
from local_cloud.timestamps import rfc3339

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from local_cloud.addresses import AddressPlan
    from local_cloud.catalogue import Image, Region, Size
    from local_cloud.ssh_keys import SshKeys
    from local_cloud.store import Store
    from local_cloud.tags import Tags

__all__ = ["USER_DATA_LIMIT_BYTES", "Created", "DropletFilter", "Droplets"]

USER_DATA_LIMIT_BYTES = 64 * 1024
_NAME = re.compile(r"[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]")


@dataclass(frozen=True, slots=True)
class Created:
    """A droplet's number and the number of its create action."""

    droplet_id: int
    action_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DropletFilter:
    """Which droplets a list shows; `tag` combines with nothing else."""

    tag: str | None = None
    name: str | None = None

    def clause(self) -> tuple[str, tuple[object, ...]]:
        if self.tag is not None:
            tagged = "SELECT resource_id FROM tagged WHERE tag = ? AND kind = 'droplet'"
            return f" WHERE CAST(id AS TEXT) IN ({tagged})", (self.tag,)
        if self.name is not None:
            return " WHERE name = ? COLLATE NOCASE", (self.name,)
        return "", ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """A create request that has passed every check."""

    names: tuple[str, ...]
    region: Region
    size: Size
    image: Image
    public_keys: tuple[str, ...]
    user_data: str | None
    monitoring: bool
    vpc_id: str | None
    tags: object


class Droplets:
    def __init__(
        self, store: Store, *, tags: Tags, ssh_keys: SshKeys, plan: AddressPlan, bootable: Callable[[Image], bool]
    ) -> None:
        self._store = store
        self._tags = tags
        self._ssh_keys = ssh_keys
        self._plan = plan
        self._bootable = bootable
        self.limit = 25

    def create(self, body: dict[str, Any]) -> list[Created]:
        """Create one droplet per name, all or none. Raises ApiProblem with the API's own texts."""
        order = self._check(body)
        with self._store.transaction() as db:
            self._check_limit(len(order.names))
            vpc = self._vpc(order)
            tags = self._tags.ensure_all(order.tags)
            taken = {str(row[0]) for row in db.execute("SELECT public_ip FROM droplets")}
            taken |= {str(row[0]) for row in db.execute("SELECT private_ip FROM droplets")}
            return [self._insert(db, order, name, vpc=vpc, tags=tags, taken=taken) for name in order.names]

    def _check(self, body: dict[str, Any]) -> _Order:
        names = _names(body)
        size = _size(body.get("size"))
        image = self._image(body.get("image"))
        region = _region(body.get("region"), size)
        if not size.available or size.slug not in region.sizes:
            raise unprocessable("Size is not available in this region.")
        if region.slug not in image.regions:
            raise unprocessable("The image you specified is not available in the selected region, please try another.")
        public_keys = self._ssh_keys.public_keys(body.get("ssh_keys"))
        _check_custom_image(image, body, has_keys=bool(public_keys))
        return _Order(
            names=names,
            region=region,
            size=size,
            image=image,
            public_keys=public_keys,
            user_data=_user_data(body.get("user_data")),
            monitoring=bool(body.get("monitoring")),
            vpc_id=body.get("vpc_uuid"),
            tags=body.get("tags"),
        )

    def _image(self, reference: object) -> Image:
        image = catalogue.find_image(reference)
        if image is None or not self._bootable(image):
            raise unprocessable("You specified an invalid image for Droplet creation.")
        return image

    def _check_limit(self, wanted: int) -> None:
        if self._store.number("SELECT count(*) FROM droplets") + wanted > self.limit:
            these = "this droplet" if wanted == 1 else "these droplets"
            raise unprocessable(f"creating {these} will exceed your droplet limit")

    def _vpc(self, order: _Order) -> sqlite3.Row:
        if order.vpc_id is not None:
            vpc = self._store.row(
                "SELECT * FROM vpcs WHERE id = ? AND region = ?", str(order.vpc_id), order.region.slug
            )
            if vpc is None:
                raise not_found("Failed to resolve VPC")
            return vpc
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO vpcs (id, region, name, ip_range, created_at) VALUES (?, ?, ?, ?, ?)",
                (
                    str(uuid.uuid4()),
                    order.region.slug,
                    f"default-{order.region.slug}",
                    order.region.private_range,
                    time.time(),
                ),
            )
        vpc = self._store.row("SELECT * FROM vpcs WHERE region = ?", order.region.slug)
        assert vpc is not None
        return vpc

    def _insert(
        self, db: sqlite3.Connection, order: _Order, name: str, *, vpc: sqlite3.Row, tags: list[str], taken: set[str]
    ) -> Created:
        now_s = time.time()
        last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'droplets'").fetchone()
        number = int(last[0]) + 1
        try:
            public_ip = addresses.pick(self._plan.public, number, taken)
            private_ip = addresses.pick(IPv4Network(vpc["ip_range"]), number, taken)
        except addresses.NoAddressError as error:
            raise unprocessable(f"The region is out of capacity: {error}") from error
        db.execute(
            "INSERT INTO droplets (id, name, region, size, image_id, status, created_at, user_data, public_keys,"
            " monitoring, vpc_id, public_ip, private_ip) VALUES (?, ?, ?, ?, ?, 'new', ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                name,
                order.region.slug,
                order.size.slug,
                order.image.number,
                now_s,
                order.user_data,
                json.dumps(order.public_keys),
                order.monitoring,
                vpc["id"],
                public_ip,
                private_ip,
            ),
        )
        for tag in tags:
            self._tags.tag(tag, [("droplet", str(number))])
        cursor = db.execute(
            "INSERT INTO actions (droplet_id, type, status, region, started_at)"
            " VALUES (?, 'create', 'in-progress', ?, ?)",
            (number, order.region.slug, now_s),
        )
        assert cursor.lastrowid is not None
        db.execute(
            "INSERT INTO events (due, droplet_id, action_id, kind) VALUES (?, ?, ?, 'build')",
            (now_s, number, cursor.lastrowid),
        )
        return Created(number, cursor.lastrowid)

    def find(self, number: int) -> sqlite3.Row:
        """The droplet's row. Raises the API's 404."""
        row = self._store.row("SELECT * FROM droplets WHERE id = ?", number)
        if row is None:
            raise not_found()
        return row

    def count(self, wanted: DropletFilter) -> int:
        clause, values = wanted.clause()
        return self._store.number(f"SELECT count(*) FROM droplets{clause}", *values)

    def page(self, wanted: DropletFilter, *, offset: int, limit: int) -> list[dict[str, Any]]:
        clause, values = wanted.clause()
        rows = self._store.rows(f"SELECT * FROM droplets{clause} ORDER BY id LIMIT ? OFFSET ?", *values, limit, offset)
        return self.to_api(rows)

    def all(self) -> list[sqlite3.Row]:
        return self._store.rows("SELECT * FROM droplets ORDER BY id")

    def to_api(self, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
        tags = self._tags_of([int(row["id"]) for row in rows])
        return [self._droplet(row, tags.get(int(row["id"]), [])) for row in rows]

    def one(self, number: int) -> dict[str, Any]:
        return self.to_api([self.find(number)])[0]

    def tags_of(self, number: int) -> list[str]:
        return self._tags_of([number]).get(number, [])

    def _tags_of(self, numbers: list[int]) -> dict[int, list[str]]:
        marks = ",".join("?" * len(numbers))
        tags: dict[int, list[str]] = {}
        for row in self._store.rows(
            f"SELECT tag, resource_id FROM tagged WHERE kind = 'droplet' AND resource_id IN ({marks}) ORDER BY rowid",
            *(str(number) for number in numbers),
        ):
            tags.setdefault(int(row["resource_id"]), []).append(str(row["tag"]))
        return tags

    def _droplet(self, row: sqlite3.Row, tags: list[str]) -> dict[str, Any]:
        size, image = _size_json(row["size"]), _image_json(row["image_id"])
        droplet = {
            "id": row["id"],
            "name": row["name"],
            "memory": size["memory"],
            "vcpus": size["vcpus"],
            "disk": size["disk"],
            "disk_info": size["disk_info"],
            "locked": False,
            "status": row["status"],
            "kernel": None,
            "created_at": rfc3339(row["created_at"]),
            "features": _features(row),
            "backup_ids": [],
            "next_backup_window": None,
            "snapshot_ids": [],
            "image": image,
            "volume_ids": [],
            "size": size,
            "size_slug": row["size"],
            "networks": {"v4": self._networks(row), "v6": []},
            "region": _region_json(row["region"]),
            "tags": tags,
        }
        # The live API leaves the key out until the droplet has been placed.
        if row["placed"]:
            droplet["vpc_uuid"] = row["vpc_id"]
        return droplet

    def _networks(self, row: sqlite3.Row) -> list[dict[str, Any]]:
        if not row["addressed"]:
            return []
        networks = [
            {
                "ip_address": row["public_ip"],
                "netmask": str(self._plan.public.netmask),
                "gateway": str(self._plan.gateway),
                "type": "public",
            },
            {
                "ip_address": row["private_ip"],
                "netmask": str(self.private_network(row).netmask),
                "gateway": "",
                "type": "private",
            },
        ]
        # The API promises no order, and clients that took the first for the public one were wrong for it.
        return networks if row["id"] % 2 else networks[::-1]

    def private_network(self, row: sqlite3.Row) -> IPv4Network:
        vpc = self._store.row("SELECT ip_range FROM vpcs WHERE id = ?", row["vpc_id"])
        assert vpc is not None
        return IPv4Network(vpc["ip_range"])

    def machine(self, row: sqlite3.Row) -> MachineSpec:
        size = _size(row["size"])
        return MachineSpec(
            number=row["id"],
            name=row["name"],
            vcpus=size.vcpus,
            memory_mib=size.memory_mib,
            public_ip=row["public_ip"],
            public_prefix=self._plan.public.prefixlen,
            gateway=str(self._plan.gateway),
            private_ip=row["private_ip"],
            private_prefix=self.private_network(row).prefixlen,
        )

    def delete(self, number: int) -> None:
        """Begin to remove a droplet: its tags go at once, the droplet when the engine is done with it."""
        self.find(number)
        now_s = time.time()
        with self._store.transaction() as db:
            if not db.execute("UPDATE droplets SET deleting = 1 WHERE id = ? AND NOT deleting", (number,)).rowcount:
                return
            db.execute("DELETE FROM tagged WHERE kind = 'droplet' AND resource_id = ?", (str(number),))
            db.execute("DELETE FROM events WHERE droplet_id = ?", (number,))
            db.execute(
                "UPDATE actions SET status = 'errored', completed_at = ?"
                " WHERE droplet_id = ? AND status = 'in-progress'",
                (now_s, number),
            )
            db.execute("INSERT INTO events (due, droplet_id, kind) VALUES (?, ?, 'destroy')", (now_s, number))

    def delete_tagged(self, tag: str) -> None:
        for row in self._store.rows("SELECT id FROM droplets" + DropletFilter(tag=tag).clause()[0], tag):
            self.delete(int(row["id"]))


def _names(body: dict[str, Any]) -> tuple[str, ...]:
    names = body.get("names")
    if names is None:
        names = [body.get("name")]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise unprocessable("Name can't be blank")
    if len(names) > 10:
        raise unprocessable("cannot create more than 10 droplets at a time")
    for name in names:
        if len(name) > 255 or not _NAME.fullmatch(name):
            raise unprocessable("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)")
    return tuple(names)


def _size(slug: object) -> Size:
    size = next((size for size in catalogue.SIZES if size.slug == slug), None)
    if size is None:
        raise unprocessable("You specified an invalid size for Droplet creation.")
    return size


def _region(slug: object, size: Size) -> Region:
    """The region asked for; a prefix such as `nyc`, or nothing, leaves the choice to the cloud."""
    if slug is not None and not isinstance(slug, str):
        raise unprocessable("Region is not available")
    exact = catalogue.find_region(slug)
    if exact is not None:
        if not exact.available:
            raise unprocessable("Region is not available")
        return exact
    for region in catalogue.REGIONS:
        if region.available and size.slug in region.sizes and (slug is None or region.slug.startswith(slug)):
            return region
    raise unprocessable("Region is not available")


def _user_data(text: object) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise unprocessable("User data must be a string")
    if len(text.encode()) > USER_DATA_LIMIT_BYTES:
        raise unprocessable(f"User data is too long: {len(text.encode())} bytes, the limit is {USER_DATA_LIMIT_BYTES}")
    return text


def _check_custom_image(image: Image, body: dict[str, Any], *, has_keys: bool) -> None:
    if image.kind != "custom":
        return
    if body.get("monitoring"):
        raise unprocessable(
            "Monitoring is not supported for this configuration, please try a different region or distribution"
        )
    if body.get("ipv6"):
        raise unprocessable("IPv6 is not supported for this configuration, please try a different image")
    if not has_keys:
        raise unprocessable("A Droplet from a custom image needs an SSH key")


def _features(row: sqlite3.Row) -> list[str]:
    features = ["droplet_agent"]
    if row["monitoring"]:
        features.append("monitoring")
    if row["placed"]:
        features.append("private_networking")
    return features


@cache
def _size_json(slug: str) -> dict[str, Any]:
    return _size(slug).to_api()


@cache
def _region_json(slug: str) -> dict[str, Any]:
    region = catalogue.find_region(slug)
    assert region is not None
    return region.to_api()


@cache
def _image_json(number: int) -> dict[str, Any]:
    image = catalogue.find_image(number)
    assert image is not None
    return image.to_api()
