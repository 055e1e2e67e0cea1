# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an answer of the API that is no success to the error that says what to make of it.

The API has one status, 422, for all that it refuses, and tells the cases apart in prose only; the phrases below are
the ones that users have met.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    LimitReachedError,
    NoCapacityError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    UnauthorizedError,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._http import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

__all__ = ["api_error", "unreadable_error"]

_BUSY_WORDS = ("pending event", "processes previous actions", "event in progress")
_LIMIT_WORDS = ("exceed your droplet limit", "droplet limit", "exceed your limit")
_CAPACITY_WORDS = ("temporarily unavailable", "please try again", "no capacity", "out of capacity")
_PLAIN_KINDS: dict[int, type[ApiError]] = {
    400: InvalidError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
}


@dataclass(frozen=True)
class _Answer:
    status: int
    code: str | None
    message: str
    request_id: str | None
    capacity: Mapping[str, Any] | None

    def sentence(self, what: str) -> str:
        code = f" {self.code}" if self.code else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{what}: HTTP {self.status}{code}: {self.message.rstrip('.')}{request}."


def unreadable_error(what: str, response: requests.Response) -> ServerError:
    """A success whose body is no JSON object: cut short, empty, or some proxy's HTML."""
    return ServerError(
        f"{what}: HTTP {response.status_code}, but the body is no JSON object: {excerpt(response.text)}. "
        "Is the end point a DigitalOcean API?",
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
    )


def api_error(what: str, response: requests.Response) -> ApiError:
    """Return the error for a response that is no success. `what` reads like "POST https://host/v2/droplets"."""
    answer = _read(response)
    text = answer.sentence(what)
    details: dict[str, Any] = {"status": answer.status, "code": answer.code, "request_id": answer.request_id}
    if answer.status == 401:
        return UnauthorizedError(
            f"The API does not accept the token: it is unknown, mistyped, expired or revoked. {text} "
            "Set api_token, DIGITALOCEAN_ACCESS_TOKEN or DO_API_TOKEN to a valid one.",
            **details,
        )
    if answer.status == 429:
        return RateLimitedError(text, retry_after_s=_retry_after_s(response), **details)
    if answer.status >= 500:
        return ServerError(text, **details)
    if response.is_redirect:
        target = response.headers.get("location", "nowhere")
        return ApiError(f"{text} It redirects to {target}, which is not followed: check api_url.", **details)
    return _refusal(answer)(text, **details)


def _refusal(answer: _Answer) -> type[ApiError]:
    message = answer.message.lower()
    if answer.status == 403:
        return ConflictError if any(word in message for word in _BUSY_WORDS) else ForbiddenError
    if answer.status != 422:
        return _PLAIN_KINDS.get(answer.status, ApiError)
    if any(word in message for word in _BUSY_WORDS):
        return ConflictError
    if any(word in message for word in _LIMIT_WORDS):
        return LimitReachedError
    if answer.capacity or any(word in message for word in _CAPACITY_WORDS):
        return NoCapacityError
    return InvalidError


def _read(response: requests.Response) -> _Answer:
    request_id = response.headers.get("x-request-id")
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return _Answer(response.status_code, None, excerpt(response.text), request_id, None)
    capacity = body.get("error_attributes")
    code = body.get("id")
    return _Answer(
        status=response.status_code,
        code=code if isinstance(code, str) else None,
        message=_message(body, capacity),
        request_id=request_id or body.get("request_id"),
        capacity=capacity if isinstance(capacity, dict) else None,
    )


def _message(body: Mapping[str, Any], capacity: object) -> str:
    # Tags answer {error, messages, root_causes}; `message` was once an object.
    message = body.get("message") or body.get("error") or "no message"
    text = message if isinstance(message, str) else json.dumps(message, sort_keys=True)
    causes = body.get("root_causes")
    if isinstance(causes, list) and causes:
        text += f" ({'; '.join(str(cause) for cause in causes)})"
    if isinstance(capacity, dict) and capacity.get("available_regions"):
        text += f" (available in: {', '.join(str(region) for region in capacity['available_regions'])})"
    return text


def _retry_after_s(response: requests.Response) -> float | None:
    asked = response.headers.get("retry-after", "")
    if asked.isdigit():
        return float(asked)
    # Without retry-after it is the hour's contingent that is used up; reset is the epoch when some of it comes back.
    reset = response.headers.get("ratelimit-reset", "")
    if reset.isdigit() and response.headers.get("ratelimit-remaining") == "0":
        return max(0.0, float(reset) - time.time())
    return None
