# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's discovery token: asked for once, kept in a tag of the account, found again by every later run.

The protocol is etcd's v2 discovery as discovery.etcd.io spoke it: `GET BASE/new?size=N` answers the URL BASE/TOKEN,
`GET BASE/TOKEN` lists the members that have registered, `GET BASE/TOKEN/_config/size` tells N.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.lookups import droplets_tagged
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import (
    TagView,
    cluster_tag,
    discovery_prefix,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.tags import delete_tags, make_tag
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ApiError,
    CollectionError,
    ConfigError,
    ConflictError,
    ServerError,
    TransportError,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._http import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess

__all__ = [
    "Discovery",
    "DiscoveryBackend",
    "DiscoveryPlan",
    "DiscoveryService",
    "DiscoverySpec",
    "TokenState",
    "checked_size",
]

# It becomes part of a tag, so no dots; the services in use make 32 hexadecimal digits.
_TOKEN = re.compile(r"[0-9A-Za-z_-]{8,128}")
_MISSING = (404, 410)


class Http(Protocol):
    """What the service client needs of HTTP."""

    def get_text(self, url: str) -> str:
        """Return the body of a 200 or raise an error of this collection."""


def checked_size(size: int) -> int:
    """Return the size. Raises ConfigError for one that no etcd cluster should have; the service itself takes any."""
    if size < 1 or size % 2 == 0:
        below, above = max(1, size - 1), max(1, size + 1)
        raise ConfigError(
            f"size is {size}; an etcd cluster has an odd number of members, since an even one more adds no tolerance. "
            + (f"{below} or {above} will do." if below != above else f"{above} will do.")
        )
    return size


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """What the service knows of a token: for how many members, and how many have registered under it."""

    size: int
    registered: int


class DiscoveryService:
    """A service that speaks the v2 discovery protocol."""

    def __init__(self, base_url: str, http: Http) -> None:
        self.base_url = base_url.strip().rstrip("/")
        self._http = http

    def url_of(self, token: str) -> str:
        """Return the URL that nodes use."""
        return f"{self.base_url}/{token}"

    def request_token(self, size: int) -> str:
        """Ask for a new token. Raises ApiError that shows what came back if that is no URL of this service."""
        url = f"{self._checked_base()}/new?size={checked_size(size)}"
        answer = self._fetch(url)
        parts = urlsplit(answer)
        token = parts.path.rsplit("/", 1)[-1]
        if parts.scheme not in {"http", "https"} or not _TOKEN.fullmatch(token):
            raise ApiError(
                f"GET {url}: no discovery service answers there: it must answer a URL that ends in a token, and came "
                f"{excerpt(answer)}. Check discovery_url."
            )
        if parts.netloc.lower() != urlsplit(self.base_url).netloc.lower():
            raise ApiError(
                f"GET {url}: the service answers a token at another host, {excerpt(answer)}; nodes could not use it "
                f"through {self.base_url}. Set discovery_url to the address under which the service knows itself."
            )
        return token

    def state_of(self, token: str) -> TokenState | None:
        """Return what the service knows of the token, None if it does not know it."""
        size = self._node(f"{self.url_of(token)}/_config/size")
        members = self._node(self.url_of(token)) if size is not None else None
        if size is None or members is None:
            return None
        try:
            # Keys that start with an underscore are hidden from lists, so _config is no member.
            return TokenState(size=int(size["value"]), registered=len(members.get("nodes") or ()))
        except (KeyError, TypeError, ValueError) as error:
            raise ApiError(
                f"GET {self.url_of(token)}/_config/size: the answer holds no size: {excerpt(json.dumps(size))}."
            ) from error

    def _checked_base(self) -> str:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query:
            raise ConfigError(
                f"discovery_url is {self.base_url!r}; it must be the URL of a service that speaks etcd's v2 discovery "
                "protocol, such as http://discovery.example.net:8087."
            )
        return self.base_url

    def _node(self, url: str) -> Mapping[str, Any] | None:
        try:
            text = self._fetch(url)
        except ApiError as error:
            if error.status in _MISSING:
                return None
            raise
        try:
            node = json.loads(text)["node"]
        except (ValueError, KeyError, TypeError) as error:
            raise ApiError(f"GET {url}: no discovery service answers there: {excerpt(text)}.") from error
        if not isinstance(node, dict):
            raise ApiError(f"GET {url}: no discovery service answers there: {excerpt(text)}.")
        return node

    def _fetch(self, url: str) -> str:
        try:
            return self._http.get_text(url).strip()
        except (TransportError, ServerError) as error:
            raise error.with_hint("Is the discovery service up? discovery_url names it.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySpec:
    """The discovery token that a cluster shall have."""

    cluster: str
    size: int
    present: bool = True

    @property
    def prefix(self) -> str:
        """What the token's tag starts with."""
        return discovery_prefix(self.cluster)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """A cluster's discovery. Token and URL are None where check mode would request one."""

    token: str | None
    url: str | None
    size: int
    requested: bool
    registered: int | None = None

    def to_result(self) -> dict[str, Any]:
        """Return the discovery as a module returns it."""
        return {
            "token": self.token,
            "url": self.url,
            "size": self.size,
            "requested": self.requested,
            "registered": self.registered,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryPlan:
    """The token in use, if any, and the tags of tokens that no longer count."""

    spec: DiscoverySpec
    found: Discovery | None
    stale: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def needs_token(self) -> bool:
        """Whether a token has to be requested."""
        return self.spec.present and self.found is None

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.needs_token or bool(self.stale)

    @property
    def predicted(self) -> Discovery | None:
        """The discovery as check mode sees it."""
        if self.needs_token:
            return Discovery(token=None, url=None, size=self.spec.size, requested=True)
        return self.found

    def diff(self, after: Discovery | None) -> dict[str, Any]:
        """Return the cluster's discovery tags before and after."""
        kept = [self.spec.prefix + self.found.token] if self.found and self.found.token else []
        new = [self.spec.prefix + (after.token or "(a new token)")] if self.needs_token and after else []
        stale = [self.spec.prefix + token for token in self.stale]
        return {"before": {"tags": sorted(kept + stale)}, "after": {"tags": sorted(kept + new)}}


class DiscoveryBackend:
    """Plans and applies a DiscoverySpec."""

    def __init__(self, access: ApiAccess, service: DiscoveryService) -> None:
        self._access = access
        self._client = access.client()
        self._service = service

    def plan(self, spec: DiscoverySpec) -> DiscoveryPlan:
        """Find the cluster's token; only reads.

        A token counts while a living droplet carries it, or while nobody has registered under it. Any other belongs
        to a cluster that is gone: tags outlive droplets. Raises ConflictError if two tokens count.
        """
        tagged = self._tagged_tokens(spec)
        if not spec.present:
            return DiscoveryPlan(spec=spec, found=None, stale=tuple(tagged))
        checked_size(spec.size)
        carried = self._carried_tokens(spec)
        fresh = {token: state for token in tagged if token not in carried and (state := self._unused(token, spec))}
        if len(carried) + len(fresh) > 1:
            raise _two_tokens(spec, carried, list(fresh))
        stale = tuple(token for token in tagged if token not in carried and token not in fresh)
        for token in carried:
            found, warnings = self._carried(token, spec)
            return DiscoveryPlan(spec=spec, found=found, stale=stale, warnings=warnings)
        for token, state in fresh.items():
            return DiscoveryPlan(spec=spec, found=self._discovery(token, state), stale=stale)
        return DiscoveryPlan(spec=spec, found=None, stale=stale)

    def apply(self, plan: DiscoveryPlan) -> Discovery | None:
        """Forget stale tokens; request one if there is none, and tag it in the account at once."""
        delete_tags(self._access, [plan.spec.prefix + token for token in plan.stale])
        if not plan.needs_token:
            return plan.found
        token = self._service.request_token(plan.spec.size)
        make_tag(self._client, plan.spec.prefix + token)
        url = self._service.url_of(token)
        return Discovery(token=token, url=url, size=plan.spec.size, requested=True, registered=0)

    def _tagged_tokens(self, spec: DiscoverySpec) -> list[str]:
        names = [str(item["name"]) for item in self._client.list_all("tags", "tags")]
        return sorted(name.removeprefix(spec.prefix) for name in names if name.startswith(spec.prefix))

    def _carried_tokens(self, spec: DiscoverySpec) -> dict[str, list[str]]:
        carried: dict[str, list[str]] = {}
        for droplet in droplets_tagged(self._client, cluster_tag(spec.cluster)):
            for token in TagView.of(droplet.tags).tokens:
                carried.setdefault(token, []).append(droplet.name)
        return carried

    def _unused(self, token: str, spec: DiscoverySpec) -> TokenState | None:
        state = self._service.state_of(token)
        # Made for another size and not yet in use, it is of no use either: etcd would wait for that many.
        return state if state and state.registered == 0 and state.size == spec.size else None

    def _carried(self, token: str, spec: DiscoverySpec) -> tuple[Discovery, tuple[str, ...]]:
        """Describe a token in use; its cluster may be long up and the service gone, which is worth a word at most."""
        try:
            state = self._service.state_of(token)
        except CollectionError as error:
            return self._discovery(token, None, spec.size), (f"The discovery service was not consulted: {error}",)
        if state is None:
            gone = f"{self._service.base_url} no longer knows token {token}, under which this cluster was made."
            return self._discovery(token, None, spec.size), (gone,)
        return self._discovery(token, state), ()

    def _discovery(self, token: str, state: TokenState | None, size: int = 0) -> Discovery:
        return Discovery(
            token=token,
            url=self._service.url_of(token),
            size=state.size if state else size,
            requested=False,
            registered=state.registered if state else None,
        )


def _two_tokens(spec: DiscoverySpec, carried: Mapping[str, Sequence[str]], fresh: Sequence[str]) -> ConflictError:
    told = [f"{token} (carried by {', '.join(names)})" for token, names in carried.items()]
    told += [f"{token} (nobody has registered under it)" for token in fresh]
    way_out = (
        f"delete the tag {spec.prefix}{fresh[0]} unless another run is at work with it"
        if fresh
        else "destroy the droplets of one of them"
    )
    return ConflictError(
        f"Cluster {spec.cluster} has {len(told)} discovery tokens: {'; '.join(told)}. Droplets that follow different "
        f"tokens never become one cluster, so nothing was changed: {way_out}, then run again."
    )
