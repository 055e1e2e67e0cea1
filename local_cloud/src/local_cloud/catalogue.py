# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulated DigitalOcean offers: sizes, regions and images.

Sizes and regions as the live account listed them in autumn 2026. Two sizes are deliberately awkward, so that a client's
checks can be tried: m-2vcpu-16gb is not offered in blr1, s-8vcpu-32gb-640gb-intel nowhere at the moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["IMAGES", "REGIONS", "SIZES", "Image", "Region", "Size", "find_image", "find_region"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    slug: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    price_monthly: float
    description: str
    available: bool = True

    def to_api(self) -> Json:
        return {
            "slug": self.slug,
            "memory": self.memory_mib,
            "vcpus": self.vcpus,
            "disk": self.disk_gib,
            "transfer": float(max(1, self.vcpus * 2)),
            "price_monthly": self.price_monthly,
            "price_hourly": round(self.price_monthly / 672, 5),
            "regions": [region.slug for region in REGIONS if self.slug in region.sizes],
            "available": self.available,
            "description": self.description,
            "networking_throughput": 2000,
            "disk_info": [{"type": "local", "size": {"amount": self.disk_gib, "unit": "gib"}}],
        }


@dataclass(frozen=True, slots=True)
class Region:
    slug: str
    name: str
    available: bool
    sizes: tuple[str, ...]
    private_range: str

    def to_api(self) -> Json:
        features = ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"]
        return {
            "name": self.name,
            "slug": self.slug,
            "features": features if self.available else [],
            "available": self.available,
            "sizes": list(self.sizes),
        }


@dataclass(frozen=True, slots=True)
class Image:
    number: int
    name: str
    distribution: str
    slug: str | None
    kind: str
    public: bool
    regions: tuple[str, ...]
    description: str

    def to_api(self) -> Json:
        return {
            "id": self.number,
            "name": self.name,
            "distribution": self.distribution,
            "slug": self.slug,
            "public": self.public,
            "regions": list(self.regions),
            "created_at": "2026-10-05T08:00:00Z",
            "min_disk_size": 10,
            "type": self.kind,
            "size_gigabytes": 0.6,
            "description": self.description,
            "tags": [],
            "status": "available",
        }


SIZES: tuple[Size, ...] = (
    Size("s-1vcpu-512mb-10gb", 1, 512, 10, 4.0, "Basic"),
    Size("s-1vcpu-1gb", 1, 1024, 25, 6.0, "Basic"),
    Size("s-1vcpu-2gb", 1, 2048, 50, 12.0, "Basic"),
    Size("s-2vcpu-2gb", 2, 2048, 60, 18.0, "Basic"),
    Size("s-2vcpu-4gb", 2, 4096, 80, 24.0, "Basic"),
    Size("s-4vcpu-8gb", 4, 8192, 160, 48.0, "Basic"),
    Size("s-8vcpu-16gb", 8, 16384, 320, 96.0, "Basic"),
    Size("c-2", 2, 4096, 25, 42.0, "CPU-Optimized"),
    Size("c-4", 4, 8192, 50, 84.0, "CPU-Optimized"),
    Size("g-2vcpu-8gb", 2, 8192, 25, 63.0, "General Purpose"),
    Size("g-4vcpu-16gb", 4, 16384, 50, 126.0, "General Purpose"),
    Size("m-2vcpu-16gb", 2, 16384, 50, 84.0, "Memory-Optimized"),
    Size("s-8vcpu-32gb-640gb-intel", 8, 32768, 640, 192.0, "Premium Intel", available=False),
)
_ALL = tuple(size.slug for size in SIZES)
_OPEN_REGIONS = (
    ("nyc1", "New York 1", "10.130.0.0/16"),
    ("nyc3", "New York 3", "10.131.0.0/16"),
    ("ams3", "Amsterdam 3", "10.132.0.0/16"),
    ("lon1", "London 1", "10.133.0.0/16"),
    ("sfo3", "San Francisco 3", "10.134.0.0/16"),
    ("fra1", "Frankfurt 1", "10.135.0.0/16"),
    ("sgp1", "Singapore 1", "10.136.0.0/16"),
    ("tor1", "Toronto 1", "10.137.0.0/16"),
    ("blr1", "Bangalore 1", "10.138.0.0/16"),
    ("syd1", "Sydney 1", "10.139.0.0/16"),
    ("atl1", "Atlanta 1", "10.140.0.0/16"),
)
REGIONS: tuple[Region, ...] = (
    *(
        Region(slug, name, True, tuple(s for s in _ALL if (slug, s) != ("blr1", "m-2vcpu-16gb")), private_range)
        for slug, name, private_range in _OPEN_REGIONS
    ),
    Region("sfo1", "San Francisco 1", False, (), "10.129.0.0/16"),
)
_EVERYWHERE = tuple(slug for slug, _, _ in _OPEN_REGIONS)
IMAGES: tuple[Image, ...] = (
    Image(155133621, "13 x64", "Debian", "debian-13-x64", "base", True, _EVERYWHERE, "Debian 13 x64"),
    Image(155133639, "24.04 (LTS) x64", "Ubuntu", "ubuntu-24-04-x64", "base", True, _EVERYWHERE, "Ubuntu 24.04 x64"),
    # Custom, as Flatcar is at DigitalOcean; the slug is the local cloud's own courtesy, custom images have none there.
    Image(
        190000007,
        "flatcar-stable",
        "CoreOS",
        "flatcar-stable",
        "custom",
        False,
        _EVERYWHERE,
        "Like Flatcar Container Linux stable: no Python, /usr read-only, coreos-cloudinit",
    ),
)


def find_image(reference: object) -> Image | None:
    """An image by number (also as text) or slug."""
    return next((i for i in IMAGES if str(reference) == str(i.number) or (i.slug and reference == i.slug)), None)


def find_region(slug: object) -> Region | None:
    return next((region for region in REGIONS if region.slug == slug), None)
