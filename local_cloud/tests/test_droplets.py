# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from paper_cloud import Cloud, eventually, running_cloud

from local_cloud.delays import DELAYS, Delays
from local_cloud.drivers import MachineSpec, PaperDriver
from local_cloud.errors import MachineError

if TYPE_CHECKING:
    from pathlib import Path

SLOW = Delays(place_s=0.2, active_s=0.4, addresses_s=0.3, delete_s=0.3, action_s=0.3)


def test_answer_to_a_create_shows_a_droplet_that_is_nowhere_yet(cloud: Cloud) -> None:
    droplet = cloud.create("web-1")[0]
    assert droplet["status"] == "new"
    assert droplet["networks"] == {"v4": [], "v6": []}
    assert "vpc_uuid" not in droplet


def test_several_names_make_as_many_droplets_and_actions_in_order(cloud: Cloud) -> None:
    names = [f"web-{i}" for i in range(10)]
    answer = cloud.call("POST", "droplets", cloud.order(*names)).json()
    assert [droplet["name"] for droplet in answer["droplets"]] == names
    resources = [cloud.get(f"actions/{link['id']}")["action"]["resource_id"] for link in answer["links"]["actions"]]
    assert resources == [droplet["id"] for droplet in answer["droplets"]]


def test_droplet_becomes_active_with_both_addresses_and_its_vpc(cloud: Cloud) -> None:
    droplet = cloud.create_active("web-1")[0]
    assert droplet["status"] == "active"
    assert {network["type"] for network in droplet["networks"]["v4"]} == {"public", "private"}
    vpc = cloud.get(f"vpcs/{droplet['vpc_uuid']}")["vpc"]
    assert (vpc["name"], vpc["ip_range"]) == ("default-fra1", "10.135.0.0/16")
    assert cloud.get(f"vpcs/{droplet['vpc_uuid']}/members")["members"][0]["name"] == "web-1"


def test_order_of_addresses_differs_between_droplets(cloud: Cloud) -> None:
    droplets = cloud.create_active("web-1", "web-2")
    assert {droplet["networks"]["v4"][0]["type"] for droplet in droplets} == {"public", "private"}


def test_droplet_passes_through_the_states_in_time(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "db", delays=SLOW) as cloud:
        number = cloud.create("web-1")[0]["id"]
        seen: list[tuple[Any, ...]] = []
        deadline_s = time.monotonic() + 3
        while time.monotonic() < deadline_s:
            droplet = cloud.get(f"droplets/{number}")["droplet"]
            state = (droplet["status"], "vpc_uuid" in droplet, bool(droplet["networks"]["v4"]))
            if not seen or seen[-1] != state:
                seen.append(state)
            if state[2]:
                break
        assert seen[0] == ("new", False, False)
        assert ("new", True, False) in seen
        assert seen[-1] == ("active", True, True)


def test_names_are_not_unique(cloud: Cloud) -> None:
    assert cloud.create("web-1")[0]["id"] != cloud.create("web-1")[0]["id"]


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"name": "a_b"}, 422, "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)"),
    ({"name": ""}, 422, "Name can't be blank"),
    ({"names": [f"n{i}" for i in range(11)]}, 422, "cannot create more than 10 droplets at a time"),
    ({"size": "s-9vcpu"}, 422, "You specified an invalid size for Droplet creation."),
    ({"image": "windows"}, 422, "You specified an invalid image for Droplet creation."),
    ({"region": "mars1"}, 422, "Region is not available"),
    ({"region": "sfo1"}, 422, "Region is not available"),
    ({"region": "blr1", "size": "m-2vcpu-16gb"}, 422, "Size is not available in this region."),
    ({"size": "s-8vcpu-32gb-640gb-intel"}, 422, "Size is not available in this region."),
    ({"ssh_keys": [7, "aa:bb"]}, 422, "7, aa:bb are invalid key identifiers for Droplet creation."),
    ({"vpc_uuid": "5a4981aa-9653-4bd1-bef5-d6bff52042e4"}, 404, "Failed to resolve VPC"),
    ({"user_data": "x" * 65537}, 422, "User data is too long: 65537 bytes, the limit is 65536"),
    ({"image": "flatcar-stable"}, 422, "A Droplet from a custom image needs an SSH key"),
]


@pytest.mark.parametrize(("changes", "status", "message"), REFUSED)
def test_bad_create_is_refused_with_the_text_of_the_api(
    cloud: Cloud, changes: dict[str, Any], status: int, message: str
) -> None:
    answer = cloud.call("POST", "droplets", {**cloud.order("web-1"), **changes})
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert cloud.get("droplets")["meta"]["total"] == 0


def test_monitoring_is_refused_on_a_custom_image(cloud: Cloud) -> None:
    order = cloud.order("web-1", image="flatcar-stable", ssh_keys=[cloud.add_key()], monitoring=True)
    answer = cloud.call("POST", "droplets", order)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Monitoring is not supported")


def test_user_data_of_exactly_64_kib_is_accepted(cloud: Cloud) -> None:
    assert cloud.call("POST", "droplets", cloud.order("web-1", user_data="x" * 65536)).status_code == 202


def test_droplet_limit_makes_all_or_none(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "db", droplet_limit=3) as cloud:
        cloud.create("web-1", "web-2")
        answer = cloud.call("POST", "droplets", cloud.order("web-3", "web-4"))
        assert (answer.status_code, answer.json()["message"]) == (
            422,
            "creating these droplets will exceed your droplet limit",
        )
        assert cloud.get("droplets")["meta"]["total"] == 2


def test_list_filters_by_tag_and_by_name_in_any_case(cloud: Cloud) -> None:
    cloud.create("web-1", tags=["blue"])
    cloud.create("db-1")
    assert [d["name"] for d in cloud.get("droplets?tag_name=blue")["droplets"]] == ["web-1"]
    assert [d["name"] for d in cloud.get("droplets?name=DB-1")["droplets"]] == ["db-1"]
    assert cloud.get("droplets?tag_name=nobody")["droplets"] == []


def test_pages_hold_every_droplet_once_and_links_keep_the_filter(cloud: Cloud) -> None:
    cloud.create(*(f"web-{i}" for i in range(7)), tags=["blue"])
    names, page = [], cloud.get("droplets?tag_name=blue&per_page=3")
    while True:
        names += [droplet["name"] for droplet in page["droplets"]]
        if "next" not in page["links"].get("pages", {}):
            break
        assert "tag_name=blue" in page["links"]["pages"]["next"]
        page = cloud.get(page["links"]["pages"]["next"].removeprefix(cloud.url))
    assert names == [f"web-{i}" for i in range(7)]
    assert page["meta"]["total"] == 7


def test_single_page_has_no_links_and_a_page_past_the_end_is_empty(cloud: Cloud) -> None:
    cloud.create("web-1")
    assert cloud.get("droplets")["links"] == {}
    assert cloud.get("droplets?page=5")["droplets"] == []


def test_deleted_droplet_loses_its_tags_first_and_is_gone_later(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "db", delays=SLOW) as cloud:
        number = cloud.create_active("web-1", tags=["blue"])[0]["id"]
        assert cloud.call("DELETE", f"droplets/{number}", {}).status_code == 204
        lingering = cloud.get(f"droplets/{number}")["droplet"]
        assert (lingering["status"], lingering["tags"]) == ("active", [])
        assert cloud.get("droplets?tag_name=blue")["droplets"] == []
        eventually(lambda: cloud.call("GET", f"droplets/{number}").status_code == 404)
        assert cloud.call("DELETE", f"droplets/{number}").status_code == 404


def test_delete_without_a_tag_deletes_nothing(cloud: Cloud) -> None:
    cloud.create("web-1")
    assert cloud.call("DELETE", "droplets").status_code == 422
    assert cloud.get("droplets")["meta"]["total"] == 1


def test_delete_by_tag_spares_the_others(cloud: Cloud) -> None:
    cloud.create("web-1", "web-2", tags=["blue"])
    cloud.create("db-1")
    assert cloud.call("DELETE", "droplets?tag_name=blue").status_code == 204
    eventually(lambda: [d["name"] for d in cloud.get("droplets")["droplets"]] == ["db-1"])


def test_numbers_are_never_reused(cloud: Cloud) -> None:
    first = cloud.create_active("web-1")[0]["id"]
    cloud.call("DELETE", f"droplets/{first}")
    eventually(lambda: cloud.call("GET", f"droplets/{first}").status_code == 404)
    assert cloud.create("web-1")[0]["id"] > first


@pytest.mark.parametrize(
    ("kind", "status"), [("reboot", "active"), ("power_cycle", "active"), ("power_off", "off"), ("shutdown", "off")]
)
def test_action_ends_in_its_status(cloud: Cloud, kind: str, status: str) -> None:
    number = cloud.create_active("web-1")[0]["id"]
    answer = cloud.call("POST", f"droplets/{number}/actions", {"type": kind})
    assert (answer.status_code, answer.json()["action"]["status"]) == (201, "in-progress")
    assert cloud.settle(number)["status"] == status
    action = cloud.get(f"droplets/{number}/actions/{answer.json()['action']['id']}")["action"]
    assert (action["status"], action["type"]) == ("completed", kind)


def test_power_on_brings_it_back_and_is_refused_when_it_is_on(cloud: Cloud) -> None:
    number = cloud.create_active("web-1")[0]["id"]
    refused = cloud.call("POST", f"droplets/{number}/actions", {"type": "power_on"})
    assert (refused.status_code, refused.json()["message"]) == (422, "Droplet is already powered on.")
    cloud.call("POST", f"droplets/{number}/actions", {"type": "power_off"})
    assert cloud.settle(number)["status"] == "off"
    cloud.call("POST", f"droplets/{number}/actions", {"type": "power_on"})
    assert cloud.settle(number)["status"] == "active"


def test_second_action_is_refused_while_one_is_pending(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "db", delays=SLOW) as cloud:
        number = cloud.create("web-1")[0]["id"]
        answer = cloud.call("POST", f"droplets/{number}/actions", {"type": "reboot"})
        assert (answer.status_code, answer.json()["message"]) == (422, "Droplet already has a pending event.")


def test_action_without_an_emulation_says_so(cloud: Cloud) -> None:
    number = cloud.create_active("web-1")[0]["id"]
    answer = cloud.call("POST", f"droplets/{number}/actions", {"type": "resize"})
    assert (answer.status_code, answer.json()["id"]) == (501, "not_implemented")


def test_actions_by_tag_reach_every_droplet_of_it(cloud: Cloud) -> None:
    droplets = cloud.create_active("web-1", "web-2", tags=["blue"])
    answer = cloud.call("POST", "droplets/actions?tag_name=blue", {"type": "power_off"})
    assert answer.status_code == 201
    assert len(answer.json()["actions"]) == 2
    assert {cloud.settle(droplet["id"])["status"] for droplet in droplets} == {"off"}


class BrokenDriver(PaperDriver):
    def launch(self, spec: MachineSpec) -> None:
        raise MachineError("no more machines")


def test_failed_create_leaves_an_errored_action_and_no_droplet(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "db", driver=BrokenDriver()) as cloud:
        answer = cloud.call("POST", "droplets", cloud.order("web-1")).json()
        action = f"actions/{answer['links']['actions'][0]['id']}"
        eventually(lambda: cloud.get(action)["action"]["status"] == "errored")
        assert cloud.call("GET", f"droplets/{answer['droplet']['id']}").status_code == 404


def test_creation_is_finished_after_a_restart_of_the_cloud(tmp_path: Path) -> None:
    slow = Delays(place_s=0.1, active_s=0.5, addresses_s=0, delete_s=0, action_s=0)
    with running_cloud(tmp_path / "db", delays=slow) as cloud:
        number = cloud.create("web-1")[0]["id"]
    with running_cloud(tmp_path / "db", delays=slow) as cloud:
        assert cloud.settle(number)["status"] == "active"


class TellTaleDriver(PaperDriver):
    def __init__(self) -> None:
        self.resumed: list[int] = []

    def resume(self, spec: MachineSpec) -> None:
        self.resumed.append(spec.number)


def test_machines_that_should_be_on_are_taken_over_after_a_restart(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "db") as cloud:
        on, off = (droplet["id"] for droplet in cloud.create_active("on", "off"))
        cloud.call("POST", f"droplets/{off}/actions", {"type": "power_off"})
        cloud.settle(off)
    driver = TellTaleDriver()
    with running_cloud(tmp_path / "db", driver=driver):
        eventually(lambda: driver.resumed == [on])


def test_a_thousand_paper_droplets_take_seconds(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "db", droplet_limit=1000, delays=DELAYS["none"]) as cloud:
        for batch in range(100):
            cloud.create(*(f"n-{batch}-{i}" for i in range(10)), tags=["all"])
        eventually(
            lambda: all(
                droplet["status"] == "active"
                for page in range(1, 6)
                for droplet in cloud.get(f"droplets?tag_name=all&per_page=200&page={page}")["droplets"]
            ),
            timeout_s=60,
        )
        assert cloud.get("droplets?tag_name=all&per_page=1")["meta"]["total"] == 1000
