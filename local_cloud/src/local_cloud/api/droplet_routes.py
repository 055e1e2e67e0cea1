# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from local_cloud.actions import TAG_ACTIONS
from local_cloud.api.paging import Page
from local_cloud.api.requests import account_of, number_in, read_body
from local_cloud.droplets import DropletFilter
from local_cloud.problems import unprocessable

__all__ = ["router"]

router = APIRouter()


@router.post("/droplets")
async def create_droplets(request: Request) -> Response:
    body = await read_body(request)
    droplets = account_of(request).droplets
    created = droplets.create(body)
    # Read before the engine hears of them: the answer to a create shows a droplet that is nowhere yet.
    shown = [droplets.one(new.droplet_id) for new in created]
    request.app.state.wake()
    # Relative, as the live API gives it.
    actions = [{"id": new.action_id, "rel": "create", "href": f"/v2/actions/{new.action_id}"} for new in created]
    answer: dict[str, Any] = {"droplets": shown} if "names" in body else {"droplet": shown[0]}
    return JSONResponse({**answer, "links": {"actions": actions}}, status_code=202)


@router.get("/droplets")
async def list_droplets(request: Request) -> Response:
    query, page = request.query_params, Page.of(request)
    wanted = DropletFilter(tag=query.get("tag_name"), name=query.get("name"))
    if query.get("type") == "gpus":
        return JSONResponse(page.envelope(request, "droplets", [], 0))
    droplets = account_of(request).droplets
    items = droplets.page(wanted, offset=page.offset, limit=page.per_page)
    return JSONResponse(page.envelope(request, "droplets", items, droplets.count(wanted)))


@router.delete("/droplets")
async def delete_tagged_droplets(request: Request) -> Response:
    tag = request.query_params.get("tag_name")
    if not tag:
        raise unprocessable("tag_name is required: droplets are deleted by their tag or one by one.")
    account_of(request).droplets.delete_tagged(tag)
    request.app.state.wake()
    return Response(status_code=204)


@router.post("/droplets/actions")
async def act_on_tagged_droplets(request: Request) -> Response:
    tag, body, account = request.query_params.get("tag_name"), await read_body(request), account_of(request)
    if not tag:
        raise unprocessable("tag_name is required.")
    kind = body.get("type")
    if kind not in TAG_ACTIONS:
        raise unprocessable("The action type you specified is invalid.")
    wanted = DropletFilter(tag=tag)
    numbers = [int(d["id"]) for d in account.droplets.page(wanted, offset=0, limit=account.droplets.count(wanted))]
    with account.store.transaction():
        ids = [account.actions.request(account.droplets.find(number), kind) for number in numbers]
    request.app.state.wake()
    return JSONResponse({"actions": [account.actions.get(number) for number in ids]}, status_code=201)


@router.get("/droplets/{droplet_id}")
async def show_droplet(request: Request) -> Response:
    return JSONResponse({"droplet": account_of(request).droplets.one(number_in(request, "droplet_id"))})


@router.delete("/droplets/{droplet_id}")
async def delete_droplet(request: Request) -> Response:
    account_of(request).droplets.delete(number_in(request, "droplet_id"))
    request.app.state.wake()
    return Response(status_code=204)


@router.get("/droplets/{droplet_id}/actions")
async def list_droplet_actions(request: Request) -> Response:
    account, page, number = account_of(request), Page.of(request), number_in(request, "droplet_id")
    account.droplets.find(number)
    items = account.actions.page(offset=page.offset, limit=page.per_page, droplet_id=number)
    return JSONResponse(page.envelope(request, "actions", items, account.actions.count(droplet_id=number)))


@router.post("/droplets/{droplet_id}/actions")
async def act_on_droplet(request: Request) -> Response:
    account, body = account_of(request), await read_body(request)
    droplet = account.droplets.find(number_in(request, "droplet_id"))
    action = account.actions.get(account.actions.request(droplet, body.get("type")))
    request.app.state.wake()
    return JSONResponse({"action": action}, status_code=201)


@router.get("/droplets/{droplet_id}/actions/{action_id}")
async def show_droplet_action(request: Request) -> Response:
    action = account_of(request).actions.get(
        number_in(request, "action_id"), droplet_id=number_in(request, "droplet_id")
    )
    return JSONResponse({"action": action})


@router.get("/droplets/{droplet_id}/backups")
async def list_backups(request: Request) -> Response:
    return _empty_list(request, "backups")


@router.get("/droplets/{droplet_id}/snapshots")
async def list_snapshots(request: Request) -> Response:
    return _empty_list(request, "snapshots")


@router.get("/droplets/{droplet_id}/firewalls")
async def list_firewalls(request: Request) -> Response:
    return _empty_list(request, "firewalls")


@router.get("/droplets/{droplet_id}/neighbors")
async def list_neighbors(request: Request) -> Response:
    account_of(request).droplets.find(number_in(request, "droplet_id"))
    return JSONResponse({"droplets": []})


def _empty_list(request: Request, key: str) -> Response:
    account_of(request).droplets.find(number_in(request, "droplet_id"))
    return JSONResponse(Page.of(request).envelope(request, key, [], 0))
