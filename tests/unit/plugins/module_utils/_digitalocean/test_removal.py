# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.removal import (
    RemovalBackend,
    RemovalPlan,
    RemovalSpec,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import WaitTimeoutError
from tests.unit.account_fakes import FakeAccount, FakeClock, StubServer, error

CLUSTER = "flotilla:demo"


def run(access: ApiAccess, wanted: RemovalSpec) -> RemovalPlan:
    backend = RemovalBackend(access)
    plan = backend.plan(wanted)
    backend.apply(plan)
    return plan


@pytest.fixture
def cluster(account: FakeAccount) -> FakeAccount:
    for name in ("demo-control-plane-1", "demo-worker-1", "demo-worker-2"):
        account.make_droplet(name, tags=[CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:discovery:t1"])
    account.make_droplet("demonstration-worker-1", tags=["flotilla:demonstration"])
    account.tags[f"{CLUSTER}:spec:abc"] = {}
    return account


def test_all_of_the_cluster_and_its_tags_go_and_nothing_else(access: ApiAccess, cluster: FakeAccount) -> None:
    plan = run(access, RemovalSpec(cluster="demo"))
    assert [d["name"] for d in cluster.droplets.values()] == ["demonstration-worker-1"]
    assert list(cluster.tags) == ["flotilla:demonstration"]
    assert [action["name"] for action in plan.actions()] == ["demo-control-plane-1", "demo-worker-1", "demo-worker-2"]
    assert plan.changed


def test_it_returns_only_when_the_api_knows_them_no_more(
    access: ApiAccess, cluster: FakeAccount, clock: FakeClock
) -> None:
    cluster.gone_after_s = 12.0
    run(access, RemovalSpec(cluster="demo"))
    assert clock.t >= 1012
    assert len(cluster.droplets) == 1


def test_second_time_there_is_nothing_to_do(access: ApiAccess, cluster: FakeAccount) -> None:
    run(access, RemovalSpec(cluster="demo"))
    plan = run(access, RemovalSpec(cluster="demo"))
    assert plan.changed is False
    assert plan.diff() == {"before": {"droplets": [], "tags": []}, "after": {"droplets": [], "tags": []}}


def test_only_the_named_go_and_the_tags_stay(access: ApiAccess, cluster: FakeAccount) -> None:
    run(access, RemovalSpec(cluster="demo", names=("demo-worker-2", "demonstration-worker-1")))
    names = [d["name"] for d in cluster.droplets.values()]
    assert names == ["demo-control-plane-1", "demo-worker-1", "demonstration-worker-1"]
    assert CLUSTER in cluster.tags


def test_plan_alone_deletes_nothing(access: ApiAccess, cluster: FakeAccount, server: StubServer) -> None:
    plan = RemovalBackend(access).plan(RemovalSpec(cluster="demo"))
    assert len(plan.doomed) == 3
    assert {request.method for request in server.requests} == {"GET"}


def test_tag_that_something_else_carries_is_kept_and_the_reason_told(access: ApiAccess, cluster: FakeAccount) -> None:
    cluster.tags[f"{CLUSTER}:spec:abc"] = {"images": 1, "volumes": 0}
    plan = run(access, RemovalSpec(cluster="demo"))
    (kept,) = plan.kept
    assert kept.what == "tag flotilla:demo:spec:abc"
    assert kept.why.startswith("1 images of the account carry it")
    assert sorted(cluster.tags) == ["flotilla:demo:spec:abc", "flotilla:demonstration"]


def test_busy_droplet_is_asked_again_until_it_can_go(access: ApiAccess, cluster: FakeAccount) -> None:
    busy = error(422, "unprocessable_entity", "Droplet already has a pending event.")
    cluster.add_fault("DELETE", "/v2/droplets/.*", busy, times=4)
    run(access, RemovalSpec(cluster="demo"))
    assert len(cluster.droplets) == 1


def test_droplet_that_stays_busy_is_named(access: ApiAccess, cluster: FakeAccount) -> None:
    busy = error(422, "unprocessable_entity", "Droplet already has a pending event.")
    cluster.add_fault("DELETE", "/v2/droplets/.*", busy, times=99)
    with pytest.raises(WaitTimeoutError, match=r"droplet demo-.* to accept its deletion; last seen: .*pending event"):
        run(access, RemovalSpec(cluster="demo", timeout_s=30))


def test_droplet_that_does_not_go_is_named_with_its_state(access: ApiAccess, cluster: FakeAccount) -> None:
    cluster.gone_after_s = 1e9
    with pytest.raises(
        WaitTimeoutError, match=r"droplet demo-control-plane-1 \(id \d+\) to be gone; last seen: active"
    ):
        run(access, RemovalSpec(cluster="demo", timeout_s=30))


def test_droplet_that_was_deleted_in_the_meantime_is_fine(access: ApiAccess, cluster: FakeAccount) -> None:
    plan = RemovalBackend(access).plan(RemovalSpec(cluster="demo"))
    del cluster.droplets[plan.doomed[0].id]
    RemovalBackend(access).apply(plan)
    assert len(cluster.droplets) == 1
