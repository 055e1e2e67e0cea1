# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError, UnauthorizedError
from ansible_collections.flotilla.coreos.plugins.module_utils._preflight import (
    Declaration,
    PoolDeclaration,
    check_or_raise,
    declaration_problems,
)
from tests.unit.account_fakes import TOKEN, Answer, FakeAccount, FakeClock, StubServer, error

GOOD = Declaration(
    cluster="demo",
    region="fra1",
    image="flatcar",
    control_plane=PoolDeclaration(name="control-plane", count=1, size="s-2vcpu-4gb"),
    pools=(PoolDeclaration(name="worker", count=2, size="s-2vcpu-2gb"),),
    etcd_size=1,
    pod_network="10.244.0.0/16",
    service_network="10.245.0.0/16",
    discovery_url="http://discovery.example.net:8087",
)


def control_planes(count: int) -> PoolDeclaration:
    return replace(GOOD.control_plane, count=count)


def pool(name: str = "worker", count: int = 2, size: str = "s-2vcpu-2gb") -> PoolDeclaration:
    return PoolDeclaration(name=name, count=count, size=size)


def test_good_declaration_has_no_problem() -> None:
    assert declaration_problems(GOOD) == []


ALONE: list[tuple[dict[str, Any], str]] = [
    ({"cluster": "Demo"}, "cluster_name is 'Demo'; .* lower case letters, digits and hyphens"),
    ({"cluster": "1demo"}, "cluster_name is '1demo'"),
    ({"cluster": "demo-"}, "cluster_name is 'demo-'"),
    ({"cluster": "de_mo"}, "cluster_name is 'de_mo'"),
    ({"cluster": "de.mo"}, "cluster_name is 'de.mo'"),
    ({"cluster": ""}, "cluster_name is ''"),
    (
        {"cluster": "d" * 55},
        "a droplet would be called 'd+-control-plane-1', 71 characters; host names have 63 at most. Shorten .* by 8",
    ),
    ({"pools": (pool("control-plane"),)}, "pools has one named 'control-plane'.*take another"),
    ({"pools": (pool("big_ones"),)}, "pools has one named 'big_ones'"),
    ({"pools": (pool(), pool())}, "pools has two named 'worker'"),
    ({"pools": (pool(count=-1),)}, "pools: worker has count -1; 0 or more will do"),
    ({"control_plane": control_planes(0), "etcd_size": 0}, "control_plane.count is 0; a cluster needs at least 1"),
    ({"control_plane": control_planes(2), "etcd_size": 2}, "etcd_size is 2; .*With 2 control planes, 1 will do"),
    ({"control_plane": control_planes(4), "etcd_size": 4}, "etcd_size is 4; .*With 4 control planes, 3 will do"),
    ({"etcd_size": 0}, "etcd_size is 0; .*With 1 control planes, 1 will do"),
    (
        {"etcd_size": 3},
        "etcd_size is 3, but control_plane.count is 1: .*Set etcd_size to 1, or control_plane.count to 3",
    ),
    ({"pod_network": "10.244.0.0"}, "pod_network is 10.244.0.0/32, with room for 0 nodes"),
    ({"pod_network": "10.244.0.1/16"}, "pod_network is '10.244.0.1/16', which is no IPv4 network .*has host bits set"),
    ({"pod_network": "fd00::/48"}, "pod_network is 'fd00::/48', which is no IPv4 network"),
    ({"service_network": "all"}, "service_network is 'all', which is no IPv4 network"),
    ({"service_network": "10.245.0.0/28"}, "service_network is 10.245.0.0/28, too small; a /24 or larger will do"),
    (
        {"pod_network": "10.244.0.0/23"},
        "pod_network is 10.244.0.0/23, with room for 2 nodes of a /24 each, but the cluster has 3. A /22 will do",
    ),
    (
        {"service_network": "10.244.128.0/20"},
        "pod_network is 10.244.0.0/16 and service_network is 10.244.128.0/20: they overlap",
    ),
    (
        {"discovery_url": ""},
        "discovery_url is ''; it must be the URL of a service .*discovery.etcd.io, no longer answers",
    ),
    ({"discovery_url": "discovery.example.net"}, "discovery_url is 'discovery.example.net'"),
]


@pytest.mark.parametrize(("changes", "words"), ALONE)
def test_declaration_that_cannot_work_is_told_with_variable_value_and_way_out(
    changes: dict[str, Any], words: str
) -> None:
    (problem,) = declaration_problems(replace(GOOD, **changes))
    with pytest.raises(ConfigError, match=words):
        raise ConfigError(problem)


@pytest.mark.parametrize("control_plane_count", [1, 3, 5])
def test_odd_sizes_up_to_the_control_planes_will_do(control_plane_count: int) -> None:
    wanted = replace(GOOD, control_plane=control_planes(control_plane_count), etcd_size=control_plane_count)
    assert declaration_problems(wanted) == []


def test_cluster_without_workers_will_do() -> None:
    assert declaration_problems(replace(GOOD, pools=())) == []


def test_good_declaration_passes_the_account_with_facts(access: ApiAccess, account: FakeAccount) -> None:
    account.make_droplet("demo-worker-1", tags=["flotilla:demo"])
    account.make_droplet("other", tags=[])
    view = check_or_raise(access, GOOD)
    assert view.to_result(GOOD) == {
        "account": {"status": "active", "droplet_limit": 25},
        "image": {"id": 63663980, "slug": None, "name": "flatcar", "public": False},
        "droplets": {
            "in_account": 2,
            "in_cluster": 1,
            "to_create": ["demo-control-plane-1", "demo-worker-2"],
        },
    }
    assert access.counter.count <= 8


def test_bad_token_is_one_plain_sentence(server: StubServer, clock: FakeClock) -> None:
    access = ApiAccess(token="dop_v1_wrong", end_point=f"{server.url}/v2/", clock=clock)
    with pytest.raises(UnauthorizedError, match="The API does not accept the token: it is unknown, mistyped, expired"):
        check_or_raise(access, GOOD)
    assert len(server.requests) == 1


def test_all_problems_are_told_at_once(access: ApiAccess, account: FakeAccount) -> None:
    account.limit = 2
    wanted = replace(GOOD, cluster="Demo", image="nonesuch", pools=(pool(size="s-9vcpu"),), etcd_size=2)
    with pytest.raises(ConfigError) as caught:
        check_or_raise(access, wanted)
    starts = [problem.split(" ")[0] for problem in caught.value.problems]
    assert starts == ["cluster_name", "etcd_size", "image", "size", "Droplet"]
    assert str(caught.value).startswith("This declaration cannot become a cluster:\n- cluster_name is 'Demo'")
    assert caught.value.as_failure()["problems"] == list(caught.value.problems)


ACCOUNT: list[tuple[dict[str, Any], str]] = [
    ({"region": "mars1"}, "region is 'mars1', which DigitalOcean does not have. It has: fra1, nyc1"),
    ({"region": "sfo1"}, "region is 'sfo1', which takes no new droplets. These do: fra1, nyc1"),
    (
        {"pools": (pool(size="s-2vcpu-3gb"),)},
        "size 's-2vcpu-3gb' is not known to DigitalOcean. Region fra1 offers: s-2vcpu-2gb",
    ),
    ({"pools": (pool(size="c-2"),)}, "size 'c-2' is not available in region 'fra1', only in nyc1"),
    ({"pools": (pool(size="s-8vcpu-16gb"),)}, "size 's-8vcpu-16gb' is not available at the moment, in any region"),
    ({"image": "ubuntu"}, "image is 'ubuntu', but the account has no image of this slug, id or name"),
    ({"image": "99"}, "image is '99', but the account has no image of this slug, id or name"),
    ({"image": "two words"}, "image is 'two words'"),
    ({"vpc_uuid": "760e09ef"}, "vpc_uuid is '760e09ef', but the account has no such VPC. Leave it empty"),
]


@pytest.mark.parametrize(("changes", "words"), ACCOUNT)
def test_what_the_account_lacks_is_named_with_what_would_do(
    access: ApiAccess, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_or_raise(access, replace(GOOD, **changes))


@pytest.mark.parametrize("image", ["flatcar", "63663980", "debian-13-x64"])
def test_image_goes_by_name_id_or_slug(access: ApiAccess, image: str) -> None:
    assert check_or_raise(access, replace(GOOD, image=image)).image


def test_size_of_an_empty_pool_is_of_no_concern(access: ApiAccess) -> None:
    assert check_or_raise(access, replace(GOOD, pools=(pool(count=0, size="nonesuch"),)))


def test_droplet_limit_counts_what_exists(access: ApiAccess, account: FakeAccount) -> None:
    account.limit = 4
    for number in (1, 2):
        account.make_droplet(f"demo-worker-{number}", tags=["flotilla:demo"])
    account.make_droplet("other", tags=[])
    check_or_raise(access, GOOD)
    account.limit = 3
    with pytest.raises(
        ConfigError, match="the account has 3 droplets and may have 3, room for 0; this run would create 1"
    ):
        check_or_raise(access, GOOD)


def test_locked_account_is_told(access: ApiAccess, account: FakeAccount) -> None:
    account.status = "locked"
    with pytest.raises(ConfigError, match="The account is locked"):
        check_or_raise(access, GOOD)


def test_network_in_which_droplets_live_already_is_refused(access: ApiAccess, account: FakeAccount) -> None:
    account.make_droplet("demo-worker-1", tags=["flotilla:demo"])["status"] = "active"
    with pytest.raises(
        ConfigError, match="pod_network is 10.135.0.0/16, and droplet demo-worker-1 has the private address"
    ):
        check_or_raise(access, replace(GOOD, pod_network="10.135.0.0/16"))


def vpc(**more: str) -> Answer:
    return Answer(200, {"vpc": {"id": "760e", "region": "fra1", "ip_range": "10.244.16.0/20", **more}})


def test_network_that_overlaps_the_vpc_is_refused(access: ApiAccess, account: FakeAccount) -> None:
    account.add_fault("GET", "/v2/vpcs/760e", vpc())
    with pytest.raises(ConfigError, match="pod_network is 10.244.0.0/16, which overlaps the VPC's 10.244.16.0/20"):
        check_or_raise(access, replace(GOOD, vpc_uuid="760e"))


def test_vpc_of_another_region_is_refused(access: ApiAccess, account: FakeAccount) -> None:
    account.add_fault("GET", "/v2/vpcs/760e", vpc(region="nyc1"))
    with pytest.raises(ConfigError, match="a VPC in region 'nyc1', but region is 'fra1'"):
        check_or_raise(access, replace(GOOD, vpc_uuid="760e"))


def test_missing_right_ends_the_check_with_what_the_api_says(access: ApiAccess, account: FakeAccount) -> None:
    account.add_fault("GET", "/v2/account", error(403, "forbidden", "You are not authorized to perform this operation"))
    with pytest.raises(Exception, match="HTTP 403 forbidden: You are not authorized"):
        check_or_raise(access, GOOD)


def test_requests_carry_the_token(access: ApiAccess, server: StubServer) -> None:
    check_or_raise(access, GOOD)
    assert {r.headers["authorization"] for r in server.requests} == {f"Bearer {TOKEN}"}
