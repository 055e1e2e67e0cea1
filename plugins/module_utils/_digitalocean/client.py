# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to the DigitalOcean API, done well: time-outs, retries, typed errors, complete lists, a request count.

Built on the base class of python-digitalocean. Every request of that class passes through its private method
`__perform_request`; overriding it under its mangled name puts all of the above in one place. The name is private, so
the version is pinned and a test holds the library to it. The classes above it (Droplet, Manager, ...) are not used:
they have no time-outs, cut lists short on an error, and lose what the API says on a failure.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.faults import api_error, unreadable_error
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ApiError,
    ConfigError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TransportError,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._http import TIMEOUT_S, transport_error
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import SystemClock, backoff_s

try:
    import requests
    from digitalocean.baseapi import BaseAPI
except ImportError:
    LIBRARY_IMPORT_ERROR: str | None = traceback.format_exc()
    BaseAPI = object  # type: ignore[misc, assignment]  # never used: a module without the library stops first
else:
    LIBRARY_IMPORT_ERROR = None

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock

__all__ = ["DEFAULT_END_POINT", "LIBRARY", "LIBRARY_IMPORT_ERROR", "ApiAccess", "ApiClient", "RequestCounter"]

LIBRARY = "python-digitalocean==1.17.0"
DEFAULT_END_POINT = "https://api.digitalocean.com/v2/"
PER_PAGE = 200
RETRIES = 5
# A longer pause asked for by the API is reported instead of waited for: a run that seems to hang helps nobody.
LONGEST_PAUSE_S = 90.0
_LIST_ATTEMPTS = 3
_WRITES_ONCE = frozenset({"POST", "PATCH"})


class RequestCounter:
    """Counts the requests of all the clients that share it, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self) -> None:
        """Count one request."""
        with self._lock:
            self._count += 1

    @property
    def count(self) -> int:
        """How many requests were sent, retries included."""
        return self._count


@dataclass(frozen=True)
class ApiAccess:
    """What it takes to talk to an account. Clients are not thread-safe, so each thread asks for its own."""

    token: str = field(repr=False)
    end_point: str = DEFAULT_END_POINT
    clock: Clock = field(default_factory=SystemClock)
    counter: RequestCounter = field(default_factory=RequestCounter)
    timeout_s: tuple[float, float] = TIMEOUT_S

    def client(self) -> ApiClient:
        """Return a new client. Raises ConfigError if there is no token or the end point is no URL."""
        token = self.token.strip()
        if not token:
            raise ConfigError(
                "No DigitalOcean API token was given. Set the option api_token, or the environment variable "
                "DIGITALOCEAN_ACCESS_TOKEN or DO_API_TOKEN."
            )
        # From an end point without its last slash the library would drop the v2, silently.
        return ApiClient(
            token=token,
            end_point=checked_end_point(self.end_point),
            clock=self.clock,
            counter=self.counter,
            timeout_s=self.timeout_s,
        )


def checked_end_point(url: str) -> str:
    """Return the end point with a slash at its end. Raises ConfigError if it is no http(s) URL."""
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ConfigError(f"api_url is {url!r}; it must be a URL such as {DEFAULT_END_POINT}.")
    return url.strip().rstrip("/") + "/"


class ApiClient(BaseAPI):
    """The API of one account, for one thread."""

    def __init__(
        self, *, token: str, end_point: str, clock: Clock, counter: RequestCounter, timeout_s: tuple[float, float]
    ) -> None:
        super().__init__(token=token, end_point=end_point)  # type: ignore[no-untyped-call]  # untyped library
        self._clock = clock
        self._counter = counter
        self._timeout_s = timeout_s
        # As a callable: a netrc file of the user would otherwise replace the Authorization header.
        self._session.auth = self._authorize

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Return the answer of one GET. Raises the errors of `faults`."""
        return self._object("GET", path, query)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST once and return the answer, {} if it has no body.

        Sent again only after a 429 or a refused connection: ServerError and TransportError(sent="unknown") leave open
        whether it had its effect, and the caller must look before trying again.
        """
        return self._object("POST", path, body)

    def delete(self, path: str, body: Mapping[str, Any] | None = None) -> bool:
        """DELETE and return whether it was there: a second DELETE answers 404, which is what was wanted."""
        try:
            self._object("DELETE", path, body or {})
        except NotFoundError:
            return False
        return True

    def list_all(self, path: str, key: str, **query: Any) -> list[dict[str, Any]]:
        """Return the items of all pages, each once, in the order served.

        A list that changes while it is read can lose an item between two pages, so it is compared with `meta.total`
        and read again if it came out short.
        """
        for _ in range(_LIST_ATTEMPTS):
            items, total = self._read_pages(path, key, query)
            if total is None or len(items) >= total:
                return items
        raise ApiError(f"GET {path}: {len(items)} items came, but the API counts {total}, {_LIST_ATTEMPTS} times over.")

    def count(self, path: str, key: str, **query: Any) -> int:
        """Return how many items a list has, without reading it."""
        answer = self.get(path, **query, page=1, per_page=1)
        total = (answer.get("meta") or {}).get("total")
        return total if isinstance(total, int) else len(self.list_all(path, key, **query))

    def _read_pages(self, path: str, key: str, query: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int | None]:
        found: dict[object, dict[str, Any]] = {}
        page = 1
        while True:
            answer = self.get(path, **query, page=page, per_page=PER_PAGE)
            items = answer.get(key)
            if not isinstance(items, list):
                raise ApiError(f"GET {path}: the answer has no list {key!r}. Is {self.end_point} a DigitalOcean API?")
            for item in items:
                found.setdefault(item.get("id", item.get("slug", item.get("name"))), item)
            total = (answer.get("meta") or {}).get("total")
            # An empty page ends it too: a `next` that never ends was met.
            if not items or not ((answer.get("links") or {}).get("pages") or {}).get("next"):
                return list(found.values()), total
            page += 1

    def _object(self, method: str, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        # Not through the library's get_data: it breaks on `"links": null`, which the API is known to send.
        response = self._BaseAPI__perform_request(path, method, params)
        return {} if response.status_code == 204 else dict(response.json())

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def _BaseAPI__perform_request(  # noqa: N802  # the mangled name of the method that it replaces
        self,
        url: str,
        type: str = "GET",  # noqa: A002  # as the library calls it
        params: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        """Send, and retry what may be retried. Returns a response that is ok and whose body can be read."""
        target = self._target(url)
        pauses_s = backoff_s(0.5)
        for retries_left in range(RETRIES, -1, -1):
            try:
                return self._send_once(type, target, params or {})
            except RateLimitedError as error:
                if retries_left == 0:
                    raise
                self._clock.sleep(self._asked_pause_s(error, next(pauses_s)))
            except (ServerError, TransportError) as error:
                if retries_left == 0 or not _may_retry(type, error):
                    raise
                self._clock.sleep(next(pauses_s))
        raise AssertionError("the last attempt returns or raises")

    def _target(self, url: str) -> str:
        # A path that starts with a slash would drop the v2 of the end point; live `href`s look like that.
        target = urljoin(self.end_point, url.removeprefix("/v2/").removeprefix("/"))
        if urlsplit(target)[:2] != urlsplit(self.end_point)[:2]:
            raise ApiError(f"The API points to {url}, which is not at {self.end_point}; the token stays here.")
        return target

    def _send_once(self, method: str, target: str, params: Mapping[str, Any]) -> requests.Response:
        self._counter.add()
        is_get = method == "GET"
        what = f"{method} {target}"
        try:
            response = self._session.request(
                method,
                target,
                params=params if is_get else None,
                data=None if is_get else json.dumps(params),
                headers={"Content-Type": "application/json"},
                timeout=self._timeout_s,
                # After a redirect a POST would be repeated as a GET, and the token would travel.
                allow_redirects=False,
            )
        except requests.exceptions.RequestException as error:
            raise transport_error(error, what) from error
        if not response.ok or response.is_redirect:
            raise api_error(what, response)
        if response.status_code != 204 and not isinstance(_json_or_none(response), dict):
            raise unreadable_error(what, response)
        return response

    def _asked_pause_s(self, error: RateLimitedError, own_s: float) -> float:
        pause_s = own_s if error.retry_after_s is None else error.retry_after_s
        if pause_s > LONGEST_PAUSE_S:
            until = time.strftime("%H:%M:%S UTC", time.gmtime(time.time() + pause_s))
            raise RateLimitedError(
                f"{error} The limit lifts at {until}, in {pause_s:.0f} s: run again then.",
                retry_after_s=pause_s,
                code=error.code,
                request_id=error.request_id,
            ) from error
        return max(pause_s, own_s)


def _may_retry(method: str, error: ServerError | TransportError) -> bool:
    if isinstance(error, TransportError) and error.sent == "no":
        return True
    return method not in _WRITES_ONCE


def _json_or_none(response: requests.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None
