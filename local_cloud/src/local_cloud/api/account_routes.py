# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from local_cloud import catalogue
from local_cloud.api.paging import Page
from local_cloud.api.requests import account_of, number_in, read_body
from local_cloud.catalogue import Image, find_image
from local_cloud.problems import not_found

__all__ = ["router"]

router = APIRouter()


@router.get("/account")
async def show_account(request: Request) -> Response:
    return JSONResponse({"account": account_of(request).to_api()})


@router.get("/account/keys")
async def list_keys(request: Request) -> Response:
    keys, page = account_of(request).ssh_keys.all(), Page.of(request)
    return JSONResponse(page.envelope(request, "ssh_keys", page.cut(keys), len(keys)))


@router.post("/account/keys")
async def create_key(request: Request) -> Response:
    body = await read_body(request)
    key = account_of(request).ssh_keys.create(body.get("name"), body.get("public_key"))
    return JSONResponse({"ssh_key": key}, status_code=201)


@router.get("/account/keys/{identifier}")
async def show_key(request: Request, identifier: str) -> Response:
    return JSONResponse({"ssh_key": account_of(request).ssh_keys.get(identifier)})


@router.put("/account/keys/{identifier}")
async def rename_key(request: Request, identifier: str) -> Response:
    body = await read_body(request)
    return JSONResponse({"ssh_key": account_of(request).ssh_keys.rename(identifier, body.get("name"))})


@router.delete("/account/keys/{identifier}")
async def delete_key(request: Request, identifier: str) -> Response:
    account_of(request).ssh_keys.delete(identifier)
    return Response(status_code=204)


@router.get("/regions")
async def list_regions(request: Request) -> Response:
    page = Page.of(request)
    regions = [region.to_api() for region in page.cut(list(catalogue.REGIONS))]
    return JSONResponse(page.envelope(request, "regions", regions, len(catalogue.REGIONS)))


@router.get("/sizes")
async def list_sizes(request: Request) -> Response:
    page = Page.of(request)
    sizes = [size.to_api() for size in page.cut(list(catalogue.SIZES))]
    return JSONResponse(page.envelope(request, "sizes", sizes, len(catalogue.SIZES)))


@router.get("/images")
async def list_images(request: Request) -> Response:
    page = Page.of(request)
    images = [image for image in account_of(request).images() if _is_wanted(request, image)]
    return JSONResponse(page.envelope(request, "images", [i.to_api() for i in page.cut(images)], len(images)))


def _is_wanted(request: Request, image: Image) -> bool:
    query = request.query_params
    if query.get("tag_name"):
        return False  # nothing can tag an image here
    if query.get("private") == "true":
        return not image.public
    # Of the two types, "distribution" and "application", there is only the first here.
    return query.get("type") is None or (query.get("type") == "distribution" and image.kind == "base")


@router.get("/images/{identifier}")
async def show_image(request: Request, identifier: str) -> Response:
    image = find_image(identifier)
    if image is None or image not in account_of(request).images():
        raise not_found()
    return JSONResponse({"image": image.to_api()})


@router.get("/vpcs")
async def list_vpcs(request: Request) -> Response:
    vpcs, page = account_of(request).vpcs.all(), Page.of(request)
    return JSONResponse(page.envelope(request, "vpcs", page.cut(vpcs), len(vpcs)))


@router.get("/vpcs/{identifier}")
async def show_vpc(request: Request, identifier: str) -> Response:
    return JSONResponse({"vpc": account_of(request).vpcs.get(identifier)})


@router.get("/vpcs/{identifier}/members")
async def list_vpc_members(request: Request, identifier: str) -> Response:
    members, page = account_of(request).vpcs.members(identifier), Page.of(request)
    if request.query_params.get("resource_type", "droplet") != "droplet":
        members = []
    return JSONResponse(page.envelope(request, "members", page.cut(members), len(members)))


@router.get("/actions")
async def list_actions(request: Request) -> Response:
    actions, page = account_of(request).actions, Page.of(request)
    items = actions.page(offset=page.offset, limit=page.per_page)
    return JSONResponse(page.envelope(request, "actions", items, actions.count()))


@router.get("/actions/{action_id}")
async def show_action(request: Request) -> Response:
    return JSONResponse({"action": account_of(request).actions.get(number_in(request, "action_id"))})
