# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.hosts import host_entries
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import Droplet, Image
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import (
    TagView,
    is_cluster_tag,
    is_dns_label,
    is_tag,
)

# As the live API shows a droplet, trimmed; made up where it told about an account.
ANSWER: dict[str, Any] = {
    "id": 51230017,
    "name": "demo-control-plane-1",
    "status": "active",
    "size_slug": "s-2vcpu-4gb",
    "image": {"id": 63663980, "name": "flatcar", "slug": None},
    "region": {"slug": "fra1", "name": "Frankfurt 1"},
    "networks": {
        "v4": [
            {"ip_address": "10.114.0.3", "netmask": "255.255.240.0", "gateway": "", "type": "private"},
            {"ip_address": "203.0.113.21", "netmask": "255.255.240.0", "gateway": "203.0.112.1", "type": "public"},
        ],
        "v6": [],
    },
    "tags": ["flotilla:demo:spec:0f1e", "flotilla:demo", "web", "flotilla:demo:control-plane", "flotilla:demo:ready"],
    "vpc_uuid": "760e09ef",
    "created_at": "2026-11-23T04:05:06Z",
}


def droplet(name: str, *tags: str, **more: Any) -> Droplet:
    return Droplet(id=abs(hash(name)) % 10**6, name=name, status="active", tags=tags, **more)


def test_droplet_is_read_by_the_type_of_its_addresses() -> None:
    found = Droplet.from_api(ANSWER)
    assert (found.public_ipv4, found.private_ipv4, found.image, found.is_ready) == (
        "203.0.113.21",
        "10.114.0.3",
        "63663980",
        True,
    )


@pytest.mark.parametrize("networks", [{}, None, {"v4": []}, {"v4": None}, {"v4": [{"type": "public"}]}])
def test_droplet_that_is_new_has_no_address_yet(networks: Any) -> None:
    found = Droplet.from_api({"id": 1, "name": "x", "status": "new", "networks": networks, "tags": None})
    assert (found.public_ipv4, found.private_ipv4, found.is_ready, found.tags) == (None, None, False, ())
    assert found.state == "new, no public address, no private address"


def test_image_status_is_read_in_any_letter_case() -> None:
    assert Image.from_api({"id": 1, "status": "NEW", "regions": None}).status == "new"


def test_control_plane_is_in_its_groups_with_its_variables() -> None:
    (entry,) = host_entries([Droplet.from_api(ANSWER)], None)
    assert entry["groups"] == ["kube_control_plane", "etcd", "pool_control_plane", "cluster_demo"]
    assert entry["variables"] == {
        "ansible_host": "203.0.113.21",
        "flotilla_cluster": "demo",
        "flotilla_droplet_id": 51230017,
        "flotilla_pool": "control-plane",
        "flotilla_private_ipv4": "10.114.0.3",
        "flotilla_public_ipv4": "203.0.113.21",
        "flotilla_ready": True,
        "flotilla_region": "fra1",
        "flotilla_role": "control-plane",
        "flotilla_size": "s-2vcpu-4gb",
        "flotilla_spec": "0f1e",
        "flotilla_status": "active",
        "flotilla_tags": sorted(ANSWER["tags"]),
    }


def test_hosts_survive_json() -> None:
    entries = host_entries([Droplet.from_api(ANSWER)], None)
    assert json.loads(json.dumps(entries)) == entries


def test_worker_is_in_its_groups_with_underscores() -> None:
    worker = droplet("my-demo-big-ones-1", "flotilla:my-demo", "flotilla:my-demo:pool:big-ones")
    (entry,) = host_entries([worker], None)
    assert entry["groups"] == ["kube_node", "pool_big_ones", "cluster_my_demo"]
    assert entry["variables"]["flotilla_role"] == "worker"
    assert entry["variables"]["flotilla_ready"] is False


def test_host_without_an_address_has_no_ansible_host() -> None:
    (entry,) = host_entries([droplet("demo-worker-1", "flotilla:demo", "flotilla:demo:pool:worker")], None)
    assert "ansible_host" not in entry["variables"]


def test_hosts_are_sorted_and_of_one_cluster_only() -> None:
    droplets = [
        droplet("demo-worker-2", "flotilla:demo", "flotilla:demo:pool:worker"),
        droplet("demo-worker-1", "flotilla:demo", "flotilla:demo:pool:worker"),
        droplet("other-worker-1", "flotilla:other", "flotilla:other:pool:worker"),
        droplet("web-1", "web"),
        droplet("half-made", "flotilla:demo"),
    ]
    assert [host["name"] for host in host_entries(droplets, "demo")] == ["demo-worker-1", "demo-worker-2"]
    assert [host["name"] for host in host_entries(droplets, None)] == [
        "demo-worker-1",
        "demo-worker-2",
        "other-worker-1",
    ]


def test_tags_of_another_cluster_do_not_speak_for_this_one() -> None:
    view = TagView.of(["flotilla:demo", "flotilla:other:ready", "flotilla:other:control-plane", "flotillas:demo:ready"])
    assert view == TagView(cluster="demo")


def test_all_tokens_of_a_droplet_are_seen() -> None:
    view = TagView.of(["flotilla:demo", "flotilla:demo:discovery:b", "flotilla:demo:discovery:a"])
    assert view.tokens == ("a", "b")


@pytest.mark.parametrize(
    ("tag", "is_own"), [("flotilla:demo", True), ("flotilla:demo:ready", True), ("flotilla:demo2", False)]
)
def test_tag_belongs_to_the_cluster_whose_name_it_holds_in_full(tag: str, is_own: bool) -> None:
    assert is_cluster_tag(tag, "demo") is is_own


@pytest.mark.parametrize(
    ("text", "is_good"), [("a" * 63, True), ("a" * 64, False), ("a-b", True), ("-a", False), ("A", False)]
)
def test_dns_label_is_what_a_host_name_part_can_be(text: str, is_good: bool) -> None:
    assert is_dns_label(text) is is_good


@pytest.mark.parametrize(("text", "is_good"), [("a:b-c_D", True), ("a.b", False), ("", False), ("a" * 256, False)])
def test_tag_is_what_digitalocean_takes(text: str, is_good: bool) -> None:
    assert is_tag(text) is is_good
