# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a cluster's declaration against itself and against the account, before anything is made.

The checks are pure functions that return sentences; all of them are collected, so that one run shows every problem.
"""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean import lookups
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import (
    CONTROL_PLANE,
    MAX_LABEL_LENGTH,
    cluster_tag,
    droplet_names,
    is_dns_label,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ConfigError,
    InvalidError,
    NotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess, ApiClient
    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import (
        Account,
        Droplet,
        Image,
        Region,
        Size,
    )

__all__ = [
    "AccountView",
    "Declaration",
    "PoolDeclaration",
    "account_problems",
    "check_or_raise",
    "declaration_problems",
    "look_at_account",
]

# A /24 of the pod network for each node, as flannel hands them out.
_NODE_PREFIX = 24
# Room for the cluster DNS at .10 and a fair number of services.
_SMALLEST_SERVICE_PREFIX = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDeclaration:
    """So many droplets of one size."""

    name: str
    count: int
    size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What the operator declared, as far as it can be checked before anything exists."""

    cluster: str
    region: str
    image: str
    control_plane: PoolDeclaration
    pools: tuple[PoolDeclaration, ...]
    etcd_size: int
    pod_network: str
    service_network: str
    vpc_uuid: str = ""
    discovery_url: str | None = None

    @property
    def all_pools(self) -> tuple[PoolDeclaration, ...]:
        """The control planes and the worker pools."""
        return (self.control_plane, *self.pools)

    @property
    def names(self) -> list[str]:
        """The names of all droplets."""
        return [name for pool in self.all_pools for name in droplet_names(self.cluster, pool.name, pool.count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """What the account answered. `problems` holds what was found out while asking."""

    account: Account
    regions: Sequence[Region]
    sizes: Sequence[Size]
    image: Image | None
    droplets_in_account: int
    cluster_droplets: Sequence[Droplet]
    vpc_range: str = ""
    problems: tuple[str, ...] = field(default=())

    def to_create(self, declaration: Declaration) -> list[str]:
        """Return the names that the cluster lacks."""
        existing = {droplet.name for droplet in self.cluster_droplets}
        return [name for name in declaration.names if name not in existing]

    def to_result(self, declaration: Declaration) -> dict[str, Any]:
        """Return the facts that later stages and readers can use."""
        return {
            "account": {"status": self.account.status, "droplet_limit": self.account.droplet_limit},
            "image": self.image.to_result() if self.image else None,
            "droplets": {
                "in_account": self.droplets_in_account,
                "in_cluster": len(self.cluster_droplets),
                "to_create": self.to_create(declaration),
            },
        }


def declaration_problems(declaration: Declaration) -> list[str]:
    """Return a sentence for each way in which the declaration cannot work, whatever the account says."""
    return [
        *_name_problems(declaration),
        *_count_problems(declaration),
        *_etcd_problems(declaration),
        *_network_problems(declaration),
        *_discovery_problems(declaration.discovery_url),
    ]


def _name_problems(declaration: Declaration) -> Iterable[str]:
    if not is_dns_label(declaration.cluster):
        yield (
            f"cluster_name is {declaration.cluster!r}; it becomes part of host names, so it must start with a letter "
            f"and hold only lower case letters, digits and hyphens, no hyphen at the end, at most {MAX_LABEL_LENGTH}."
        )
    seen: set[str] = set()
    for pool in declaration.pools:
        if pool.name == CONTROL_PLANE:
            yield f"pools has one named {CONTROL_PLANE!r}, a name that the control planes have; take another."
        elif not is_dns_label(pool.name):
            yield (
                f"pools has one named {pool.name!r}; it becomes part of host names, so it must start with a letter and "
                "hold only lower case letters, digits and hyphens, no hyphen at the end."
            )
        if pool.name in seen:
            yield f"pools has two named {pool.name!r}; their droplets would share names. Give each pool its own name."
        seen.add(pool.name)
    longest = max(declaration.names, key=len, default="")
    if len(longest) > MAX_LABEL_LENGTH:
        spare = len(longest) - MAX_LABEL_LENGTH
        yield (
            f"cluster_name is {declaration.cluster!r}, so a droplet would be called {longest!r}, {len(longest)} "
            f"characters; host names have {MAX_LABEL_LENGTH} at most. Shorten cluster_name or the pool's name by "
            f"{spare}."
        )


def _count_problems(declaration: Declaration) -> Iterable[str]:
    if declaration.control_plane.count < 1:
        yield f"control_plane.count is {declaration.control_plane.count}; a cluster needs at least 1."
    for pool in declaration.pools:
        if pool.count < 0:
            yield f"pools: {pool.name} has count {pool.count}; 0 or more will do."


def _etcd_problems(declaration: Declaration) -> Iterable[str]:
    size, control_planes = declaration.etcd_size, declaration.control_plane.count
    if control_planes < 1:
        return
    largest = control_planes if control_planes % 2 else control_planes - 1
    if size < 1 or size % 2 == 0:
        yield (
            f"etcd_size is {size}; an even number of etcd members tolerates no more losses than one fewer, so it must "
            f"be odd. With {control_planes} control planes, {largest} will do."
        )
    elif size > control_planes:
        yield (
            f"etcd_size is {size}, but control_plane.count is {control_planes}: etcd's members live on the control "
            f"planes and would wait for each other for ever. Set etcd_size to {largest}, or control_plane.count to "
            f"{size}."
        )


def _network_problems(declaration: Declaration) -> Iterable[str]:
    pods = _network("pod_network", declaration.pod_network)
    services = _network("service_network", declaration.service_network)
    yield from (problem for problem in (pods, services) if isinstance(problem, str))
    nodes = len(declaration.names)
    if not isinstance(pods, str) and (room := _node_room(pods)) < nodes:
        # One bit more doubles the room.
        prefix = max(0, _NODE_PREFIX - max(0, nodes - 1).bit_length())
        yield (
            f"pod_network is {pods}, with room for {room} nodes of a /{_NODE_PREFIX} each, but the cluster has "
            f"{nodes}. A /{prefix} will do."
        )
    if not isinstance(services, str) and services.prefixlen > _SMALLEST_SERVICE_PREFIX:
        yield f"service_network is {services}, too small; a /{_SMALLEST_SERVICE_PREFIX} or larger will do."
    if not isinstance(pods, str) and not isinstance(services, str) and pods.overlaps(services):
        yield f"pod_network is {pods} and service_network is {services}: they overlap. Set one of them elsewhere."


def _network(variable: str, text: str) -> ipaddress.IPv4Network | str:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        return f"{variable} is {text!r}, which is no IPv4 network ({error}). A value such as 10.244.0.0/16 will do."


def _node_room(pods: ipaddress.IPv4Network) -> int:
    return 0 if pods.prefixlen > _NODE_PREFIX else int(2 ** (_NODE_PREFIX - pods.prefixlen))


def _discovery_problems(url: str | None) -> Iterable[str]:
    if url is None:
        return
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        yield (
            f"discovery_url is {url!r}; it must be the URL of a service that speaks etcd's v2 discovery protocol and "
            "that the droplets can reach, such as http://discovery.example.net:8087. The public one, "
            "discovery.etcd.io, no longer answers."
        )


def account_problems(declaration: Declaration, view: AccountView) -> list[str]:
    """Return a sentence for each way in which the account cannot give what is declared."""
    return [
        *_standing_problems(view.account),
        *view.problems,
        *lookups.placement_problems(
            view.regions,
            view.sizes,
            declaration.region,
            (pool.size for pool in declaration.all_pools if pool.count > 0),
        ),
        *_image_problems(declaration, view),
        *_limit_problems(declaration, view),
        *_address_problems(declaration, view),
    ]


def _standing_problems(account: Account) -> Iterable[str]:
    if account.status == "locked":
        reason = f" ({account.status_message})" if account.status_message else ""
        yield f"The account is locked{reason}: DigitalOcean creates nothing in it. Their support can unlock it."


def _image_problems(declaration: Declaration, view: AccountView) -> Iterable[str]:
    is_region_known = any(region.slug == declaration.region for region in view.regions)
    problem = lookups.image_problem(view.image, declaration.region) if view.image and is_region_known else None
    if problem:
        yield problem


def _limit_problems(declaration: Declaration, view: AccountView) -> Iterable[str]:
    to_create = len(view.to_create(declaration))
    if problem := lookups.droplet_limit_problem(view.account.droplet_limit, view.droplets_in_account, to_create):
        yield f"Droplet limit: {problem}"


def _address_problems(declaration: Declaration, view: AccountView) -> Iterable[str]:
    for variable in ("pod_network", "service_network"):
        network = _network(variable, getattr(declaration, variable))
        if isinstance(network, str):
            continue
        if view.vpc_range and network.overlaps(ipaddress.IPv4Network(view.vpc_range, strict=False)):
            yield (
                f"{variable} is {network}, which overlaps the VPC's {view.vpc_range}: droplets could not reach each "
                f"other. Set {variable} elsewhere; DigitalOcean keeps 10.244.0.0/16 and 10.245.0.0/16 free of VPCs."
            )
            continue
        inside = [
            d for d in view.cluster_droplets if d.private_ipv4 and ipaddress.ip_address(d.private_ipv4) in network
        ]
        if inside:
            yield (
                f"{variable} is {network}, and droplet {inside[0].name} has the private address "
                f"{inside[0].private_ipv4} in it. Set {variable} elsewhere."
            )


def look_at_account(access: ApiAccess, declaration: Declaration) -> AccountView:
    """Ask the account all that the checks need, in parallel. Raises UnauthorizedError and its like at once."""
    # Alone and first: a bad token is one clear sentence, not six.
    account = lookups.account(access.client())
    problems: list[str] = []

    def ask(question: Callable[[ApiClient], Any]) -> Any:
        try:
            return question(access.client())
        except (ConfigError, NotFoundError, InvalidError) as error:
            problems.append(str(error))
            return None

    with ThreadPoolExecutor(max_workers=6) as executor:
        regions, sizes, image, total, droplets, vpc_range = executor.map(
            ask,
            [
                lookups.all_regions,
                lookups.all_sizes,
                lambda client: lookups.find_image(client, declaration.image, declaration.region),
                lookups.count_droplets,
                lambda client: lookups.droplets_tagged(client, cluster_tag(declaration.cluster)),
                lambda client: _vpc_range(client, declaration),
            ],
        )
    return AccountView(
        account=account,
        regions=regions or (),
        sizes=sizes or (),
        image=image,
        droplets_in_account=total or 0,
        cluster_droplets=droplets or (),
        vpc_range=vpc_range or "",
        problems=tuple(problems),
    )


def _vpc_range(client: ApiClient, declaration: Declaration) -> str:
    if not declaration.vpc_uuid:
        return ""
    try:
        vpc: Mapping[str, Any] = client.get(f"vpcs/{declaration.vpc_uuid}").get("vpc") or {}
    except NotFoundError as error:
        raise ConfigError(
            f"vpc_uuid is {declaration.vpc_uuid!r}, but the account has no such VPC. Leave it empty for the default "
            f"one of region {declaration.region}."
        ) from error
    if vpc.get("region") != declaration.region:
        raise ConfigError(
            f"vpc_uuid is {declaration.vpc_uuid!r}, a VPC in region {vpc.get('region')!r}, but region is "
            f"{declaration.region!r}. Set one of the two to match."
        )
    return str(vpc.get("ip_range") or "")


def check_or_raise(access: ApiAccess, declaration: Declaration) -> AccountView:
    """Return what the account answered, or raise ConfigError with every problem at once."""
    problems = declaration_problems(declaration)
    view = look_at_account(access, declaration)
    problems += account_problems(declaration, view)
    if problems:
        raise ConfigError(
            "\n".join(["This declaration cannot become a cluster:", *(f"- {p}" for p in problems)]), problems=problems
        )
    return view
