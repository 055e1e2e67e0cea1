# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every request passes: log, address clean-up, token, rate limits."""

from __future__ import annotations

import hmac
import json
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from local_cloud.problems import ApiProblem
from local_cloud.timestamps import rfc3339

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from local_cloud.api.limits import RateLimits

__all__ = ["Gate", "RequestLog"]

_log = logging.getLogger(__name__)


class RequestLog:
    """One JSON line for each request: what was asked, what was answered. No token, no body."""

    def __init__(self, path: Path | None) -> None:
        self._out = path.open("a", buffering=1) if path else None

    def write(self, scope: Scope, *, status: int, started_s: float, request_id: str) -> None:
        if self._out is None:
            return
        line = {
            "time": rfc3339(started_s),
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "status": status,
            "ms": round((time.time() - started_s) * 1000, 1),
            "request_id": request_id,
            "agent": dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1"),
        }
        self._out.write(json.dumps(line) + "\n")


class Gate:
    def __init__(self, app: ASGIApp, *, token: str, limits: RateLimits, request_log: RequestLog) -> None:
        self._app = app
        self._token = token
        self._limits = limits
        self._request_log = request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s, request_id = time.time(), str(uuid.uuid4())
        # Served with and without a slash at the end; a redirect would turn a client's POST into a GET.
        path = scope["path"].rstrip("/") or "/"
        scope = {**scope, "path": path, "raw_path": path.encode(), "request_id": request_id}
        headers: list[tuple[str, str]] = [("x-request-id", request_id)]
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                extra = [(name.encode(), value.encode()) for name, value in headers]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        try:
            await self._pass(scope, receive, send_with_headers, headers)
        finally:
            self._request_log.write(scope, status=status, started_s=started_s, request_id=request_id)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, headers: list[tuple[str, str]]) -> None:
        is_known = self._is_authentic(scope)
        verdict = self._limits.admit(scope["method"], scope["path"]) if is_known else None
        if verdict is None:
            problem = ApiProblem(401, "unauthorized", "Unable to authenticate you.")
            await _answer(send, problem, scope["request_id"])
            return
        headers.extend(verdict.headers)
        if not verdict.is_allowed:
            problem = ApiProblem(429, "too_many_requests", "API Rate limit exceeded.")
            await _answer(send, problem, scope["request_id"])
            return
        await self._app(scope, receive, send)

    def _is_authentic(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        kind, _, token = given.partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token.encode())


async def _answer(send: Send, problem: ApiProblem, request_id: str) -> None:
    body: dict[str, Any] = problem.body(request_id)
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
