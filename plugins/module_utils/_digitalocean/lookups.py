# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the account offers, and sentences for what it does not."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import (
    Account,
    Droplet,
    Image,
    Region,
    Size,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiClient

__all__ = [
    "account",
    "all_droplets",
    "all_regions",
    "all_sizes",
    "count_droplets",
    "droplet_limit_problem",
    "droplets_tagged",
    "find_image",
    "image_problem",
    "named",
    "placement_problems",
]

_MOST_NAMED = 12


def account(client: ApiClient) -> Account:
    """Return the account that the token belongs to."""
    return Account.from_api(client.get("account").get("account") or {})


def all_regions(client: ApiClient) -> list[Region]:
    """Return all regions, closed ones too."""
    return [Region.from_api(item) for item in client.list_all("regions", "regions")]


def all_sizes(client: ApiClient) -> list[Size]:
    """Return all sizes."""
    return [Size.from_api(item) for item in client.list_all("sizes", "sizes")]


def all_droplets(client: ApiClient) -> list[Droplet]:
    """Return all droplets of the account."""
    return [Droplet.from_api(item) for item in client.list_all("droplets", "droplets")]


def count_droplets(client: ApiClient) -> int:
    """Return how many droplets the account has: all of them count against its limit."""
    return client.count("droplets", "droplets")


def droplets_tagged(client: ApiClient, tag: str) -> list[Droplet]:
    """Return the droplets with the tag, by name; a tag that does not exist has none."""
    try:
        items = client.list_all("droplets", "droplets", tag_name=tag)
    except NotFoundError:
        return []
    return sorted((Droplet.from_api(item) for item in items), key=lambda droplet: (droplet.name, droplet.id))


def find_image(client: ApiClient, wanted: str, region: str) -> Image:
    """Return the image with that id, slug or name; of several with one name the newest that the region can use.

    Raises ConfigError naming what there is. Names are looked for among the account's own images only: public ones
    have a slug.
    """
    try:
        # Slugs and ids are both accepted here; quoting keeps a name with odd characters from becoming another path.
        if wanted.replace("-", "").replace(".", "").replace("_", "").isalnum():
            return Image.from_api(client.get(f"images/{wanted}")["image"])
    except NotFoundError:
        pass
    own = [Image.from_api(item) for item in client.list_all("images", "images", private="true")]
    named_so = [image for image in own if image.name == wanted]
    if not named_so:
        raise ConfigError(_unknown_image(client, wanted, own))
    usable = [image for image in named_so if image_problem(image, region) is None]
    return max(usable or named_so, key=lambda image: (image.created_at, image.id))


def _unknown_image(client: ApiClient, wanted: str, own: Sequence[Image]) -> str:
    public = [Image.from_api(item) for item in client.list_all("images", "images", type="distribution")]
    slugs = sorted({image.slug for image in public if image.slug})
    return (
        f"image is {wanted!r}, but the account has no image of this slug, id or name. "
        f"Its own images: {named(sorted({image.name for image in own}), wanted)}. Public ones: {named(slugs, wanted)}."
    )


def image_problem(image: Image, region: str) -> str | None:
    """Return why droplets in the region cannot be made from the image, None if they can."""
    if image.status != "available":
        reason = f" ({image.error_message})" if image.error_message else ""
        return f"image {image.name!r} (id {image.id}) is {image.status}{reason}; it must be available."
    if image.regions and region not in image.regions:
        return (
            f"image {image.name!r} (id {image.id}) is not in region {region!r}, only in {named(image.regions)}. "
            "Transfer it there, import it again, or set region to one of these."
        )
    return None


def placement_problems(
    regions: Sequence[Region], sizes: Sequence[Size], region_slug: str, wanted_sizes: Iterable[str]
) -> list[str]:
    """Return a sentence for each way in which region and sizes do not go together.

    `sizes` may be empty if only the regions were asked for: they list the slugs that they offer. Without regions
    nothing can be said.
    """
    if not regions:
        return []
    open_regions = sorted(region.slug for region in regions if region.available)
    region = next((region for region in regions if region.slug == region_slug), None)
    if region is None:
        return [f"region is {region_slug!r}, which DigitalOcean does not have. It has: {', '.join(open_regions)}."]
    if not region.available:
        return [f"region is {region_slug!r}, which takes no new droplets. These do: {', '.join(open_regions)}."]
    return [problem for slug in sorted(set(wanted_sizes)) if (problem := _size_problem(slug, region, regions, sizes))]


def _size_problem(slug: str, region: Region, regions: Sequence[Region], sizes: Sequence[Size]) -> str | None:
    size = next((size for size in sizes if size.slug == slug), None)
    elsewhere = sorted(other.slug for other in regions if other.available and slug in other.sizes)
    if slug in region.sizes and (size is None or size.available):
        return None
    offer = f"Region {region.slug} offers: {named(region.sizes, slug)}."
    if size is not None and not size.available:
        return f"size {slug!r} is not available at the moment, in any region. {offer}"
    if elsewhere:
        return f"size {slug!r} is not available in region {region.slug!r}, only in {', '.join(elsewhere)}. {offer}"
    return f"size {slug!r} is not known to DigitalOcean. {offer}"


def droplet_limit_problem(limit: int | None, in_account: int, to_create: int) -> str | None:
    """Return why the account may not have that many more droplets, None if it may or its limit is unknown."""
    if limit is None or in_account + to_create <= limit:
        return None
    return (
        f"the account has {in_account} droplets and may have {limit}, room for {max(0, limit - in_account)}; this run "
        f"would create {to_create}. Nothing was created. Delete {in_account + to_create - limit} or more droplets, "
        "ask DigitalOcean for a higher droplet limit, or make the cluster smaller."
    )


def named(choices: Iterable[str], near: str = "") -> str:
    """Return the choices as text, those most like `near` if they are too many to name."""
    ordered = sorted(choices)
    if not ordered:
        return "none"
    if len(ordered) <= _MOST_NAMED:
        return ", ".join(ordered)
    shown = get_close_matches(near, ordered, n=_MOST_NAMED, cutoff=0.3) or ordered[:_MOST_NAMED]
    return f"{', '.join(sorted(shown))} and {len(ordered) - len(shown)} more"
