# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata service: what a droplet can learn about itself at 169.254.169.254.

A droplet is known by the address it asks from. Layout and content as in the facts about the live service: a tree
without its slash is redirected, what does not exist is a 404 with the text `404 Not Found`.
"""

from __future__ import annotations

import hashlib
import json
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

from local_cloud.machine.network import mac_address

if TYPE_CHECKING:
    import sqlite3

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from local_cloud.account import Account

__all__ = ["build_metadata_app", "describe"]

_ROOT = "/metadata/v1"
_VENDOR_DATA = "#cloud-config\n"


def build_metadata_app(account: Account) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await answer(account, scope)(scope, receive, send)

    return app


def answer(account: Account, scope: Scope) -> Response:
    """The answer to one request, which the caller's address ties to a droplet."""
    client = (scope.get("client") or ("", 0))[0]
    row = account.store.row("SELECT * FROM droplets WHERE public_ip = ? OR private_ip = ?", client, client)
    if row is None:
        return _not_found()
    if scope["method"] not in ("GET", "HEAD"):
        return PlainTextResponse("405 Method Not Allowed", status_code=405)
    document = describe(account, row)
    if scope["path"] == _ROOT + ".json":
        return JSONResponse(document)
    return _leaf_or_index(_tree(document), scope["path"])


def describe(account: Account, row: sqlite3.Row) -> dict[str, Any]:
    """Everything as one object, `/metadata/v1.json`. Known from the start, before the API shows the addresses."""
    spec = account.droplets.machine(row)
    document: dict[str, Any] = {
        "droplet_id": row["id"],
        "hostname": row["name"],
        "vendor_data": _VENDOR_DATA,
        "auth_key": hashlib.sha256(f"{account.token}{row['id']}".encode()).hexdigest()[:32],
        "region": row["region"],
        "modify_index": 1,
        "public_keys": json.loads(row["public_keys"]),
        "interfaces": {
            "public": [_interface(spec.number, "public", spec.public_ip, spec.public_prefix, spec.gateway)],
            "private": [_interface(spec.number, "private", spec.private_ip, spec.private_prefix, "")],
        },
        "floating_ip": {"ipv4": {"active": False}},
        "reserved_ip": {"ipv4": {"active": False}, "ipv6": {"active": False}},
        "dns": {"nameservers": [spec.gateway]},
        "tags": account.droplets.tags_of(row["id"]) or None,
        "features": {"dhcp_enabled": False},
    }
    if row["user_data"] is not None:
        document["user_data"] = row["user_data"]
    return document


def _interface(number: int, kind: str, address: str, prefix: int, gateway: str) -> dict[str, Any]:
    mac = mac_address(number, "04:01" if kind == "public" else "04:02")
    netmask = str(IPv4Network(f"0.0.0.0/{prefix}").netmask)
    return {"ipv4": {"ip_address": address, "netmask": netmask, "gateway": gateway}, "mac": mac, "type": kind}


def _tree(document: dict[str, Any]) -> dict[str, Any]:
    """The same as folders and leaves: hyphens in names, lists as lines or numbered folders."""
    interfaces = {
        kind: {str(i): _interface_tree(entry) for i, entry in enumerate(entries)}
        for kind, entries in document["interfaces"].items()
    }
    tree: dict[str, Any] = {
        "id": str(document["droplet_id"]),
        "hostname": document["hostname"],
        "vendor-data": document["vendor_data"],
        "public-keys": "\n".join(document["public_keys"]),
        "region": document["region"],
        "interfaces": interfaces,
        "dns": {"nameservers": "\n".join(document["dns"]["nameservers"])},
        "floating_ip": _texts(document["floating_ip"]),
        "reserved_ip": _texts(document["reserved_ip"]),
        "tags": "\n".join(document["tags"] or []),
        "features": _texts(document["features"]),
        "maintenance_event": "",
    }
    if "user_data" in document:
        tree["user-data"] = document["user_data"]
    return tree


def _interface_tree(entry: dict[str, Any]) -> dict[str, Any]:
    ipv4 = entry["ipv4"]
    addresses = {"address": ipv4["ip_address"], "netmask": ipv4["netmask"], "gateway": ipv4["gateway"]}
    return {"mac": entry["mac"], "type": entry["type"], "ipv4": addresses}


def _texts(branch: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _texts(value) if isinstance(value, dict) else str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in branch.items()
    }


def _leaf_or_index(tree: dict[str, Any], path: str) -> Response:
    if path != _ROOT and not path.startswith(_ROOT + "/"):
        return _not_found()
    node: Any = tree
    for part in [part for part in path.removeprefix(_ROOT).split("/") if part]:
        if not isinstance(node, dict) or part not in node:
            return _not_found()
        node = node[part]
    if not isinstance(node, dict):
        return PlainTextResponse(node)
    if not path.endswith("/"):
        return RedirectResponse(path + "/", status_code=301)
    return PlainTextResponse("\n".join(name + ("/" if isinstance(node[name], dict) else "") for name in node))


def _not_found() -> Response:
    return PlainTextResponse("404 Not Found", status_code=404)
