# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from local_cloud.api.paging import Page
from local_cloud.api.requests import account_of, read_body
from local_cloud.problems import TagNameProblem

__all__ = ["router"]

router = APIRouter()


def _api_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/v2/"


@router.get("/tags")
async def list_tags(request: Request) -> Response:
    tags, page = account_of(request).tags, Page.of(request)
    names = tags.names()
    items = [tags.to_api(name, _api_url(request)) for name in page.cut(names)]
    return JSONResponse(page.envelope(request, "tags", items, len(names)))


@router.post("/tags")
async def create_tag(request: Request) -> Response:
    tags, body = account_of(request).tags, await read_body(request)
    name = tags.create(body.get("name"))
    return JSONResponse({"tag": tags.to_api(name, _api_url(request))}, status_code=201)


@router.get("/tags/{name}")
async def show_tag(request: Request, name: str) -> Response:
    tags = account_of(request).tags
    return JSONResponse({"tag": tags.to_api(tags.require(name), _api_url(request))})


@router.delete("/tags/{name}")
async def delete_tag(request: Request, name: str) -> Response:
    account_of(request).tags.delete(name)
    return Response(status_code=204)


@router.post("/tags/{name}/resources")
async def tag_resources(request: Request, name: str) -> Response:
    tags, body = account_of(request).tags, await read_body(request)
    tags.tag(tags.require(name), _resources(body))
    return Response(status_code=204)


@router.delete("/tags/{name}/resources")
async def untag_resources(request: Request, name: str) -> Response:
    tags, body = account_of(request).tags, await read_body(request)
    tags.untag(tags.require(name), _resources(body))
    return Response(status_code=204)


def _resources(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The (kind, id) pairs of a request. Numbers as ids are refused: the API wants strings."""
    resources = body.get("resources")
    if not isinstance(resources, list) or not resources:
        raise TagNameProblem(400, "bad_request", "resources must not be empty")
    pairs = []
    for resource in resources:
        kind = resource.get("resource_type") if isinstance(resource, dict) else None
        number = resource.get("resource_id") if isinstance(resource, dict) else None
        if not isinstance(kind, str) or not isinstance(number, str):
            raise TagNameProblem(400, "bad_request", "resource_id and resource_type must be strings")
        pairs.append((kind, number))
    return pairs
