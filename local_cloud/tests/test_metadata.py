# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from paper_cloud import PUBLIC_KEY, Cloud

from local_cloud.metadata import answer

if TYPE_CHECKING:
    from starlette.responses import Response


@pytest.fixture
def droplet(cloud: Cloud) -> dict[str, Any]:
    return cloud.create_active(
        "web-1", image="flatcar-stable", ssh_keys=[cloud.add_key()], user_data="#cloud-config\n", tags=["a:b", "c"]
    )[0]


def _address(droplet: dict[str, Any], kind: str = "public") -> str:
    return str(next(network["ip_address"] for network in droplet["networks"]["v4"] if network["type"] == kind))


def ask(cloud: Cloud, path: str, client: str) -> Response:
    return answer(cloud.account, {"type": "http", "method": "GET", "path": path, "client": (client, 40000)})


def test_document_holds_everything_about_the_droplet_that_asks(cloud: Cloud, droplet: dict[str, Any]) -> None:
    document = json.loads(bytes(ask(cloud, "/metadata/v1.json", _address(droplet)).body))
    assert (document["droplet_id"], document["hostname"], document["region"]) == (droplet["id"], "web-1", "fra1")
    assert document["user_data"] == "#cloud-config\n"
    assert document["public_keys"] == [PUBLIC_KEY]
    assert document["tags"] == ["a:b", "c"]
    assert document["interfaces"]["public"][0]["ipv4"]["ip_address"] == _address(droplet)
    assert document["interfaces"]["private"][0]["ipv4"]["ip_address"] == _address(droplet, "private")
    assert document["dns"]["nameservers"] == [document["interfaces"]["public"][0]["ipv4"]["gateway"]]


@pytest.mark.parametrize(
    ("leaf", "text"),
    [
        ("hostname", "web-1"),
        ("user-data", "#cloud-config\n"),
        ("public-keys", PUBLIC_KEY),
        ("region", "fra1"),
        ("tags", "a:b\nc"),
        ("interfaces/public/0/type", "public"),
        ("interfaces/private/0/ipv4/netmask", "255.255.0.0"),
        ("reserved_ip/ipv4/active", "false"),
        ("interfaces/", "public/\nprivate/"),
        ("interfaces/public/0/", "mac\ntype\nipv4/"),
    ],
)
def test_leaf_is_plain_text_and_folder_a_list(cloud: Cloud, droplet: dict[str, Any], leaf: str, text: str) -> None:
    reply = ask(cloud, f"/metadata/v1/{leaf}", _address(droplet))
    assert (reply.status_code, bytes(reply.body).decode()) == (200, text)
    assert reply.headers["content-type"].startswith("text/plain")


def test_folder_without_its_slash_is_redirected(cloud: Cloud, droplet: dict[str, Any]) -> None:
    reply = ask(cloud, "/metadata/v1", _address(droplet))
    assert (reply.status_code, reply.headers["location"]) == (301, "/metadata/v1/")


@pytest.mark.parametrize("path", ["/metadata/v1/nothing", "/metadata/v1/hostname/x", "/metadata/v2", "/"])
def test_what_is_missing_is_404_in_plain_text(cloud: Cloud, droplet: dict[str, Any], path: str) -> None:
    reply = ask(cloud, path, _address(droplet))
    assert (reply.status_code, reply.body) == (404, b"404 Not Found")


def test_stranger_learns_nothing(cloud: Cloud, droplet: dict[str, Any]) -> None:
    assert ask(cloud, "/metadata/v1.json", "198.18.0.1").status_code == 404


def test_absent_user_data_is_absent_and_no_tags_are_null(cloud: Cloud) -> None:
    plain = cloud.create_active("web-1")[0]
    document = json.loads(bytes(ask(cloud, "/metadata/v1.json", _address(plain)).body))
    assert "user_data" not in document
    assert document["tags"] is None
    assert ask(cloud, "/metadata/v1/user-data", _address(plain)).status_code == 404
