# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paper_cloud import Cloud


def _resources(*numbers: object, kind: str = "droplet") -> dict[str, Any]:
    return {"resources": [{"resource_id": str(number), "resource_type": kind} for number in numbers]}


def test_tags_of_a_create_are_made_and_shown_in_order(cloud: Cloud) -> None:
    droplet = cloud.create("web-1", tags=["flotilla:demo", "flotilla:demo:pool:web"])[0]
    assert droplet["tags"] == ["flotilla:demo", "flotilla:demo:pool:web"]
    assert {tag["name"] for tag in cloud.get("tags")["tags"]} == set(droplet["tags"])


def test_first_spelling_of_a_tag_fixes_its_case_and_look_ups_mind_it(cloud: Cloud) -> None:
    cloud.call("POST", "tags", {"name": "Blue"})
    assert cloud.call("POST", "tags", {"name": "blue"}).json()["tag"]["name"] == "Blue"
    assert cloud.create("web-1", tags=["BLUE"])[0]["tags"] == ["Blue"]
    assert cloud.call("GET", "tags/blue").status_code == 404


def test_existing_tag_is_created_again_without_complaint(cloud: Cloud) -> None:
    assert [cloud.call("POST", "tags", {"name": "blue"}).status_code for _ in range(2)] == [201, 201]


def test_bad_tag_name_is_answered_in_the_other_shape(cloud: Cloud) -> None:
    answer = cloud.call("POST", "tags", {"name": "a.b"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "messages", "root_causes"}


def test_tagging_counts_droplets_that_do_not_exist_and_needs_the_tag(cloud: Cloud) -> None:
    assert cloud.call("POST", "tags/blue/resources", _resources(1)).status_code == 404
    cloud.call("POST", "tags", {"name": "blue"})
    number = cloud.create("web-1")[0]["id"]
    assert cloud.call("POST", "tags/blue/resources", _resources(number, 1)).status_code == 204
    resources = cloud.get("tags/blue")["tag"]["resources"]
    assert (resources["count"], resources["droplets"]["count"]) == (2, 2)
    assert [droplet["id"] for droplet in cloud.get("droplets?tag_name=blue")["droplets"]] == [number]


def test_unknown_kind_is_accepted_without_effect(cloud: Cloud) -> None:
    cloud.call("POST", "tags", {"name": "blue"})
    assert cloud.call("POST", "tags/blue/resources", _resources("x", kind="firewall")).status_code == 204
    assert cloud.get("tags/blue")["tag"]["resources"]["count"] == 0


def test_untagging_and_deleting_a_tag_spare_the_droplet(cloud: Cloud) -> None:
    number = cloud.create("web-1", tags=["blue", "green"])[0]["id"]
    assert cloud.call("DELETE", "tags/blue/resources", _resources(number)).status_code == 204
    assert cloud.call("DELETE", "tags/green").status_code == 204
    assert cloud.get(f"droplets/{number}")["droplet"]["tags"] == []


def test_tag_outlives_its_droplet(cloud: Cloud) -> None:
    number = cloud.create_active("web-1", tags=["blue"])[0]["id"]
    cloud.call("DELETE", f"droplets/{number}")
    assert cloud.get("tags/blue")["tag"]["resources"]["count"] == 0
