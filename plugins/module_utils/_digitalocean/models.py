# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API's answers mean to this collection. `from_api` reads an answer, `to_result` writes a module's result."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Account", "Droplet", "Image", "Region", "Size", "SshKey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Droplet:
    """A droplet as the API shows it. Addresses come late and in no promised order: None until they are there."""

    id: int
    name: str
    status: str
    region: str | None = None
    size: str | None = None
    image: str | None = None
    tags: tuple[str, ...] = ()
    public_ipv4: str | None = None
    private_ipv4: str | None = None
    vpc_uuid: str | None = None
    created_at: str | None = None

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Droplet:
        """Read a `droplet` object; `networks` may be empty or missing right after the create."""
        image = answer.get("image") or {}
        image_id = image.get("slug") or image.get("id")
        return cls(
            id=int(answer["id"]),
            name=str(answer["name"]),
            status=str(answer.get("status", "unknown")),
            region=(answer.get("region") or {}).get("slug"),
            size=answer.get("size_slug") or (answer.get("size") or {}).get("slug"),
            image=None if image_id is None else str(image_id),
            tags=tuple(sorted(answer.get("tags") or ())),
            public_ipv4=_address(answer, "public"),
            private_ipv4=_address(answer, "private"),
            vpc_uuid=answer.get("vpc_uuid") or None,
            created_at=answer.get("created_at"),
        )

    @property
    def is_ready(self) -> bool:
        """Powered on and reachable by address; whether it has booted is for its own SSH to say."""
        return self.status == "active" and bool(self.public_ipv4) and bool(self.private_ipv4)

    @property
    def state(self) -> str:
        """The state in a few words, for a message: "new, no public address, no private address"."""
        missing = [f"no {kind} address" for kind, ip in self._addresses if not ip]
        return ", ".join([self.status, *missing])

    @property
    def _addresses(self) -> tuple[tuple[str, str | None], ...]:
        return (("public", self.public_ipv4), ("private", self.private_ipv4))

    def to_result(self) -> dict[str, Any]:
        """Return the droplet as a module returns it."""
        return asdict(self) | {"tags": list(self.tags)}


def _address(answer: Mapping[str, Any], kind: str) -> str | None:
    for network in (answer.get("networks") or {}).get("v4") or ():
        if network.get("type") == kind and network.get("ip_address"):
            return str(network["ip_address"])
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account's state and its most pressing limit."""

    status: str
    status_message: str = ""
    droplet_limit: int | None = None

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Account:
        """Read an `account` object."""
        limit = answer.get("droplet_limit")
        return cls(
            status=str(answer.get("status") or "active"),
            status_message=str(answer.get("status_message") or ""),
            droplet_limit=limit if isinstance(limit, int) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region and the sizes that it offers at the moment."""

    slug: str
    available: bool
    sizes: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Region:
        """Read a `region` object."""
        return cls(
            slug=str(answer["slug"]),
            available=bool(answer.get("available")),
            sizes=frozenset(answer.get("sizes") or ()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A droplet size; `available` is for the whole platform, a region has a say of its own."""

    slug: str
    available: bool
    vcpus: int = 0
    memory_mib: int = 0
    regions: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Size:
        """Read a `size` object."""
        return cls(
            slug=str(answer["slug"]),
            available=bool(answer.get("available")),
            vcpus=int(answer.get("vcpus") or 0),
            memory_mib=int(answer.get("memory") or 0),
            regions=frozenset(answer.get("regions") or ()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that droplets can be made from: public ones have a slug, custom ones only an id and a name."""

    id: int
    name: str
    slug: str | None
    status: str
    public: bool
    regions: frozenset[str]
    created_at: str = ""
    error_message: str = ""

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Image:
        """Read an `image` object; letter case of the status varies."""
        return cls(
            id=int(answer["id"]),
            name=str(answer.get("name") or ""),
            slug=answer.get("slug") or None,
            status=str(answer.get("status") or "available").lower(),
            public=bool(answer.get("public")),
            regions=frozenset(answer.get("regions") or ()),
            created_at=str(answer.get("created_at") or ""),
            error_message=str(answer.get("error_message") or ""),
        )

    def to_result(self) -> dict[str, Any]:
        """Return what a later stage needs to name the image."""
        return {"id": self.id, "slug": self.slug, "name": self.name, "public": self.public}


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """A public key of the account; unique by its material, whatever its name."""

    id: int
    name: str
    fingerprint: str
    public_key: str

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> SshKey:
        """Read an `ssh_key` object."""
        return cls(
            id=int(answer["id"]),
            name=str(answer.get("name") or ""),
            fingerprint=str(answer.get("fingerprint") or ""),
            public_key=str(answer.get("public_key") or ""),
        )

    def to_result(self) -> dict[str, Any]:
        """Return the key as a module returns it."""
        return asdict(self)
