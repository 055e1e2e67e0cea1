# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as the plugins need it: time-outs always, no silent redirect of a secret, faults as this collection's errors."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ApiError, ServerError, TransportError
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import Clock, backoff_s

try:
    import requests
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

__all__ = ["REQUESTS_IMPORT_ERROR", "TIMEOUT_S", "PlainHttp", "excerpt", "transport_error"]

# To connect, and between two bytes of an answer. Creating droplets was seen to take 2.2 s.
TIMEOUT_S = (5.0, 30.0)
_EXCERPT_LENGTH = 160


def excerpt(text: str) -> str:
    """Return the beginning of an answer on one line, fit for a message."""
    line = " ".join(text.split())
    if not line:
        return "an empty answer"
    return repr(line if len(line) <= _EXCERPT_LENGTH else line[:_EXCERPT_LENGTH] + "...")


def transport_error(error: Exception, what: str) -> TransportError:
    """Tell a request that never left from one that may have had its effect. `what` reads like "GET http://x/new"."""
    return TransportError(f"{what}: {_cause(error)}.", sent="no" if _never_sent(error) else "unknown")


def _never_sent(error: Exception) -> bool:
    if isinstance(
        error, (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
    ):
        return True
    # urllib3 wraps the refused or unresolved connection: ConnectionError(MaxRetryError(reason=NewConnectionError)).
    reasons = [getattr(arg, "reason", None) for arg in error.args]
    return any(type(reason).__name__ in {"NewConnectionError", "NameResolutionError"} for reason in reasons)


def _cause(error: Exception) -> str:
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return f"TLS failed ({_innermost(error)})"
    if _never_sent(error):
        return f"cannot connect ({_innermost(error)})"
    return f"the connection was lost ({_innermost(error)})"


def _innermost(error: BaseException) -> str:
    while True:
        inner = getattr(error, "reason", None) or next((a for a in error.args if isinstance(a, BaseException)), None)
        if not isinstance(inner, BaseException) or inner is error:
            break
        error = inner
    # urllib3 puts object and circumstances before the cause; the operator wants "[Errno 111] Connection refused".
    return str(error).rsplit(": ", 1)[-1] or type(error).__name__


@dataclass(frozen=True)
class PlainHttp:
    """GET and HEAD without credentials, for services whose answers are checked by what is in them."""

    clock: Clock
    timeout_s: tuple[float, float] = TIMEOUT_S
    attempts: int = 4

    def get_text(self, url: str) -> str:
        """Return the body of a 200. Raises ApiError with the status, ServerError, TransportError."""
        return self._ask("GET", url).text

    def size_bytes(self, url: str) -> int | None:
        """Return the length that a HEAD announces, None if it announces none. Raises as `get_text` does."""
        length = self._ask("HEAD", url).headers.get("content-length", "")
        return int(length) if length.isdigit() else None

    def _ask(self, method: str, url: str) -> requests.Response:
        pauses_s = backoff_s(0.5)
        for _ in range(self.attempts - 1):
            try:
                return self._ask_once(method, url)
            except (ServerError, TransportError):
                self.clock.sleep(next(pauses_s))
        return self._ask_once(method, url)

    def _ask_once(self, method: str, url: str) -> requests.Response:
        try:
            response = requests.request(
                method, url, timeout=self.timeout_s, allow_redirects=True, headers={"Accept-Encoding": "identity"}
            )
        except requests.exceptions.RequestException as error:
            raise transport_error(error, f"{method} {url}") from error
        if response.status_code >= 500:
            raise ServerError(_said(method, url, response), status=response.status_code)
        if not response.ok:
            raise ApiError(_said(method, url, response), status=response.status_code)
        return response


def _said(method: str, url: str, response: requests.Response) -> str:
    return f"{method} {url}: HTTP {response.status_code}, {excerpt(response.text)}."
