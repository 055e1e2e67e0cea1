# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from local_cloud.api import account_routes, droplet_routes, tag_routes
from local_cloud.api.gate import Gate, RequestLog
from local_cloud.api.limits import RateLimits
from local_cloud.problems import ApiProblem, not_found, not_implemented

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp

    from local_cloud.account import Account

__all__ = ["build_app"]

_log = logging.getLogger(__name__)
# What DigitalOcean has and the local cloud has not: said with a 501, not with a 404 that reads like a wrong address.
_UNEMULATED = frozenset(
    ["firewalls", "load_balancers", "projects", "reserved_ips", "floating_ips", "volumes", "snapshots", "domains",
     "kubernetes", "databases", "certificates", "cdn", "registry", "monitoring", "apps", "functions", "vpcs", "images",
     "droplets", "actions", "account", "tags", "regions", "sizes", "customers", "invoices", "uptime", "1-clicks"]
)  # fmt: skip


def build_app(
    account: Account, *, wake: Callable[[], None], burst_per_minute: int = 250, request_log: Path | None = None
) -> ASGIApp:
    """The API of one account. `wake` is called after each change that the engine has to carry out."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.account = account
    app.state.wake = wake
    for routes in (account_routes, droplet_routes, tag_routes):
        app.include_router(routes.router, prefix="/v2")
    app.add_api_route("/{path:path}", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    app.add_exception_handler(ApiProblem, _answer_problem)
    app.add_exception_handler(Exception, _answer_bug)
    return Gate(app, token=account.token, limits=RateLimits(burst_per_minute), request_log=RequestLog(request_log))


async def _unknown(request: Request) -> Response:
    parts = request.url.path.strip("/").split("/")
    if len(parts) >= 2 and parts[0] == "v2" and parts[1] in _UNEMULATED:
        raise not_implemented(f"{request.method} {request.url.path}")
    raise not_found()


async def _answer_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, ApiProblem)
    return JSONResponse(problem.body(request.scope["request_id"]), status_code=problem.status)


async def _answer_bug(request: Request, bug: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=bug)
    problem = ApiProblem(500, "server_error", "Unexpected server-side error")
    return JSONResponse(problem.body(request.scope["request_id"]), status_code=500)
