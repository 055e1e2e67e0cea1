# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors: everything raises these, `errors_reported` turns them into a failed task."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn, Self

__all__ = [
    "ApiError",
    "CollectionError",
    "ConfigError",
    "ConflictError",
    "ForbiddenError",
    "InvalidError",
    "LimitReachedError",
    "NoCapacityError",
    "NotFoundError",
    "RateLimitedError",
    "ServerError",
    "TransportError",
    "UnauthorizedError",
    "WaitTimeoutError",
    "errors_reported",
]


class CollectionError(Exception):
    """A fault that the operator can act upon; `str()` is the sentence to show."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def with_hint(self, hint: str) -> Self:
        """Add a sentence that only the caller can know, and return the same error."""
        self.message = f"{self.message} {hint}"
        self.args = (self.message,)
        return self

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, for the `failure` key of a failed task."""
        return {"kind": type(self).__name__, "message": self.message}


class ConfigError(CollectionError):
    """What the operator declared cannot work. `problems` holds one sentence for each fault found."""

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, each problem on its own."""
        return super().as_failure() | {"problems": list(self.problems)}


class ApiError(CollectionError):
    """A service answered with an error, or with something that is no answer of this service."""

    def __init__(
        self, message: str, *, status: int | None = None, code: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, with the HTTP status, the service's error id and its request id."""
        return super().as_failure() | {"status": self.status, "code": self.code, "request_id": self.request_id}


class UnauthorizedError(ApiError):
    """401: the token is unknown, mistyped, expired or revoked."""


class ForbiddenError(ApiError):
    """403: the token is valid but may not do this, or the account is locked."""


class NotFoundError(ApiError):
    """404: the thing does not exist (any more, or not yet)."""


class ConflictError(ApiError):
    """The thing is busy or in use: worth another try later."""


class InvalidError(ApiError):
    """The service refuses the request as it stands; the same again would be refused again."""


class LimitReachedError(InvalidError):
    """The account may not have more of these."""


class NoCapacityError(InvalidError):
    """The region has no room for this size at the moment."""


class RateLimitedError(ApiError):
    """429, after all patience: `retry_after_s` is what the service asked to wait, if it said so."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        status: int | None = 429,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code, request_id=request_id)
        self.retry_after_s = retry_after_s

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, with the pause that the service asked for."""
        return super().as_failure() | {"retry_after_s": self.retry_after_s}


class ServerError(ApiError):
    """5xx, or an answer that cannot be read: for anything that writes the outcome is unknown."""


class TransportError(CollectionError):
    """No answer. `sent` is "no" when the request never left, "unknown" when it may have had its effect."""

    def __init__(self, message: str, *, sent: str) -> None:
        super().__init__(message)
        self.sent = sent

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, and whether the request may have had its effect."""
        return super().as_failure() | {"sent": self.sent}


class WaitTimeoutError(CollectionError):
    """A wait reached its deadline. `what` names the thing, `last` its last state."""

    def __init__(self, what: str, *, last: object, waited_s: float, hint: str = "") -> None:
        message = f"Waited {waited_s:.0f} s for {what}; last seen: {last}."
        super().__init__(f"{message} {hint}" if hint else message)
        self.what = what
        self.last = last
        self.waited_s = waited_s

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, with the last state as text."""
        return super().as_failure() | {"what": self.what, "last": str(self.last), "waited_s": round(self.waited_s, 1)}


class _Failing(Protocol):
    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn: ...


@contextmanager
def errors_reported(module: _Failing) -> Iterator[None]:
    """End the module with `fail_json` on an error of this family; any other is a bug and keeps its traceback."""
    try:
        yield
    except CollectionError as error:
        module.fail_json(msg=str(error), failure=error.as_failure())
