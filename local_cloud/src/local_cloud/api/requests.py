# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_cloud.problems import ApiProblem, not_found

if TYPE_CHECKING:
    from starlette.requests import Request

    from local_cloud.account import Account

__all__ = ["account_of", "number_in", "read_body"]


def account_of(request: Request) -> Account:
    account: Account = request.app.state.account
    return account


def number_in(request: Request, name: str) -> int:
    """A number in the path; anything else is a resource that does not exist."""
    text = str(request.path_params[name])
    if not text.isdecimal() or len(text) > 18:
        raise not_found()
    return int(text)


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object in the request; an empty body counts as an empty object."""
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as error:
        raise ApiProblem(400, "bad_request", "error parsing request body") from error
    if not isinstance(body, dict):
        raise ApiProblem(400, "bad_request", "error parsing request body")
    return body
