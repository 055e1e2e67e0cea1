# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.droplets import (
    DropletsBackend,
    DropletsSpec,
    Outcome,
    PoolSpec,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ApiError,
    CollectionError,
    ConfigError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    LimitReachedError,
    NoCapacityError,
    NotFoundError,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from tests.unit.account_fakes import Answer, FakeAccount, FakeClock, StubServer, error

CLUSTER = "flotilla:demo"
USER_DATA = "#cloud-config\nhostname: never-shown\n"


def workers(count: int, **more: object) -> PoolSpec:
    names = tuple(f"demo-worker-{number}" for number in range(1, count + 1))
    tags = (f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:aaaa")
    pool = PoolSpec(names=names, size="s-2vcpu-2gb", tags=tags, user_data=USER_DATA)
    return replace(pool, **more)  # type: ignore[arg-type]  # keywords of PoolSpec


def control_plane() -> PoolSpec:
    return PoolSpec(names=("demo-control-plane-1",), size="s-2vcpu-4gb", tags=(f"{CLUSTER}:control-plane",))


def spec(*pools: PoolSpec, **more: object) -> DropletsSpec:
    usual = DropletsSpec(cluster="demo", region="fra1", image="flatcar", pools=pools, ssh_keys=("512", "3b:16"))
    return replace(usual, **more)  # type: ignore[arg-type]  # keywords of DropletsSpec


def run(access: ApiAccess, wanted: DropletsSpec) -> Outcome:
    backend = DropletsBackend(access)
    return backend.apply(backend.plan(wanted))


def names_of(account: FakeAccount) -> list[str]:
    return sorted(droplet["name"] for droplet in account.droplets.values())


def test_missing_droplets_are_created_and_returned_active_with_addresses(
    access: ApiAccess, account: FakeAccount
) -> None:
    account.private_first = True
    outcome = run(access, spec(control_plane(), workers(2)))
    assert [d.name for d in outcome.droplets] == ["demo-control-plane-1", "demo-worker-1", "demo-worker-2"]
    first = outcome.droplets[0].to_result()
    assert (first["status"], first["public_ipv4"][:10], first["private_ipv4"][:9]) == (
        "active",
        "203.0.113.",
        "10.135.0.",
    )
    assert [a["action"] for a in outcome.actions] == ["create"] * 3
    assert [a["id"] for a in outcome.actions] == [d.id for d in outcome.droplets]


def test_create_request_holds_what_the_pool_says_and_the_cluster_tag(access: ApiAccess, server: StubServer) -> None:
    run(access, spec(workers(2), vpc_uuid="760e09ef"))
    (request,) = server.asked("POST")
    assert request.body == {
        "names": ["demo-worker-1", "demo-worker-2"],
        "region": "fra1",
        "size": "s-2vcpu-2gb",
        "image": 63663980,
        "ssh_keys": [512, "3b:16"],
        "tags": [CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:aaaa"],
        "user_data": USER_DATA,
        "vpc_uuid": "760e09ef",
    }


def test_twenty_five_names_are_three_requests_and_polling_does_not_grow(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    account.limit = 100
    run(access, spec(workers(25)))
    assert sorted(len(r.body["names"]) for r in server.asked("POST")) == [5, 10, 10]
    polls = [r for r in server.asked("GET", "/v2/droplets$") if r.query.get("tag_name") == CLUSTER]
    assert len(polls) < 10


def test_second_run_changes_nothing_with_one_request(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    run(access, spec(control_plane(), workers(2)))
    server.requests.clear()
    backend = DropletsBackend(access)
    plan = backend.plan(spec(control_plane(), workers(2)))
    outcome = backend.apply(plan)
    assert plan.changed is False
    assert plan.diff() == {"before": {"droplets": []}, "after": {"droplets": []}}
    assert len(outcome.droplets) == 3
    assert len(server.requests) == 1


def test_droplets_of_a_run_that_was_cut_short_are_adopted_and_waited_for(
    access: ApiAccess, account: FakeAccount
) -> None:
    account.make_droplet("demo-worker-1", tags=[CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:aaaa"])
    outcome = run(access, spec(workers(2)))
    assert [a["action"] for a in outcome.actions] == ["adopt", "create"]
    assert [d.status for d in outcome.droplets] == ["active", "active"]
    assert names_of(account) == ["demo-worker-1", "demo-worker-2"]


def test_droplet_that_was_once_ready_is_called_unchanged(access: ApiAccess, account: FakeAccount) -> None:
    tags = [CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:aaaa", f"{CLUSTER}:ready"]
    account.make_droplet("demo-worker-1", tags=tags)
    assert [a["action"] for a in run(access, spec(workers(1))).actions] == ["unchanged"]


def test_doubled_name_stops_before_anything_is_done(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    ids = [account.make_droplet("demo-worker-1", tags=[CLUSTER])["id"] for _ in range(2)]
    with pytest.raises(ConflictError, match=f"demo-worker-1 .id {ids[0]} created .*, id {ids[1]} created") as caught:
        run(access, spec(workers(2)))
    assert "delete all but one" in str(caught.value)
    assert server.asked("POST") == []


def test_doubled_name_that_appears_after_the_creates_stops(access: ApiAccess, account: FakeAccount) -> None:
    plan = DropletsBackend(access).plan(spec(workers(1)))
    account.make_droplet("demo-worker-1", tags=[CLUSTER])
    with pytest.raises(ConflictError, match="share a name: demo-worker-1"):
        DropletsBackend(access).apply(plan)


LOST = [
    Answer(drop=True),
    Answer(502, b"<html>Bad gateway</html>"),
    Answer(202, b'{"droplets": [{"i'),
    Answer(202, b""),
]


@pytest.mark.parametrize("answer", LOST)
def test_create_whose_answer_was_lost_is_found_and_not_repeated(
    access: ApiAccess, account: FakeAccount, server: StubServer, answer: Answer
) -> None:
    account.list_lag_s = 5.0
    account.add_fault("POST", "/v2/droplets", answer, after_effect=True)
    outcome = run(access, spec(workers(3)))
    assert len(server.asked("POST")) == 1
    assert len(account.droplets) == 3
    assert [a["id"] for a in outcome.actions] == [d.id for d in outcome.droplets]


@pytest.mark.parametrize("answer", LOST)
def test_create_that_had_no_effect_is_sent_again_after_looking_for_half_a_minute(
    access: ApiAccess, account: FakeAccount, server: StubServer, clock: FakeClock, answer: Answer
) -> None:
    account.add_fault("POST", "/v2/droplets", answer)
    run(access, spec(workers(3)))
    assert len(server.asked("POST")) == 2
    assert names_of(account) == ["demo-worker-1", "demo-worker-2", "demo-worker-3"]
    assert clock.t >= 1030


def test_only_the_names_that_are_missing_are_asked_for_again(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    plan = DropletsBackend(access).plan(spec(workers(3)))
    account.make_droplet("demo-worker-2", tags=[CLUSTER])
    account.add_fault("POST", "/v2/droplets", Answer(500, b""))
    DropletsBackend(access).apply(plan)
    assert server.asked("POST")[1].body["names"] == ["demo-worker-1", "demo-worker-3"]


def test_third_lost_create_is_the_last(access: ApiAccess, account: FakeAccount, server: StubServer) -> None:
    account.add_fault("POST", "/v2/droplets", Answer(500, b""), times=99)
    with pytest.raises(ServerError, match="Asked 3 times for demo-worker-1; none appeared within 30 s"):
        run(access, spec(workers(1)))
    assert len(server.asked("POST")) == 3


def test_api_that_cannot_be_reached_is_not_looked_at(clock: FakeClock) -> None:
    access = ApiAccess(token="t", end_point="http://127.0.0.1:9/v2/", clock=clock)
    with pytest.raises(TransportError, match="cannot connect"):
        run(access, spec(workers(1)))


def test_answer_with_other_names_is_treated_as_lost(access: ApiAccess, account: FakeAccount) -> None:
    strange = Answer(202, {"droplets": [{"id": 1, "name": "demo-worker-1"}], "links": {}})
    account.add_fault("POST", "/v2/droplets", strange, after_effect=True)
    assert len(run(access, spec(workers(2))).droplets) == 2
    assert len(account.droplets) == 2


def test_fresh_ssh_key_that_is_not_known_yet_is_waited_for(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    refusal = error(422, "unprocessable_entity", "512 are invalid key identifiers for Droplet creation.")
    account.add_fault("POST", "/v2/droplets", refusal, times=3)
    run(access, spec(workers(1)))
    assert len(server.asked("POST")) == 4


def test_ssh_key_that_stays_unknown_ends_with_what_was_asked_for(access: ApiAccess, account: FakeAccount) -> None:
    refusal = error(422, "unprocessable_entity", "512 are invalid key identifiers for Droplet creation.")
    account.add_fault("POST", "/v2/droplets", refusal, times=99)
    with pytest.raises(
        InvalidError, match="invalid key identifiers.*Asked for: demo-worker-1; region fra1, size s-2vcpu"
    ):
        run(access, spec(workers(1)))


def test_limit_that_is_too_low_is_told_with_figures_before_anything_is_created(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    account.limit = 3
    account.make_droplet("other", tags=[])
    account.make_droplet("another", tags=[])
    with pytest.raises(
        LimitReachedError, match="has 2 droplets and may have 3, room for 1; this run would create 4"
    ) as e:
        run(access, spec(control_plane(), workers(3)))
    assert "Delete 3 or more droplets" in str(e.value)
    assert server.asked("POST") == []


def test_limit_reached_halfway_says_what_was_created_and_is_finished_by_the_next_run(
    access: ApiAccess, account: FakeAccount
) -> None:
    plan = DropletsBackend(access).plan(spec(control_plane(), workers(11)))
    account.limit = 11
    with pytest.raises(LimitReachedError, match="will exceed your droplet limit.*Of 12 droplets 1?[0-9] were created"):
        DropletsBackend(access).apply(plan)
    account.limit = 12
    run(access, spec(control_plane(), workers(11)))
    assert len(names_of(account)) == 12
    assert len(set(names_of(account))) == 12


def test_region_out_of_room_is_told_with_size_and_other_regions(access: ApiAccess, account: FakeAccount) -> None:
    body = {
        "id": "unprocessable_entity",
        "message": "The size you selected is temporarily unavailable.",
        "error_attributes": {"available_regions": ["nyc1"]},
    }
    account.add_fault("POST", "/v2/droplets", Answer(422, body))
    with pytest.raises(NoCapacityError, match="available in: nyc1.*region fra1, size s-2vcpu-2gb"):
        run(access, spec(workers(1)))


def test_unknown_vpc_is_named(access: ApiAccess, account: FakeAccount) -> None:
    account.add_fault("POST", "/v2/droplets", error(404, "not_found", "Failed to resolve VPC"))
    with pytest.raises(NotFoundError, match="Failed to resolve VPC.*vpc_uuid 760e"):
        run(access, spec(workers(1), vpc_uuid="760e"))


def test_locked_account_is_a_plain_refusal(access: ApiAccess, account: FakeAccount) -> None:
    account.add_fault("POST", "/v2/droplets", error(403, "forbidden", "Your account is locked."))
    with pytest.raises(ForbiddenError, match="Your account is locked.*0 were created"):
        run(access, spec(workers(1)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"region": "mars1"}, "region is 'mars1', which DigitalOcean does not have. It has: fra1, nyc1"),
        ({"region": "sfo1"}, "region is 'sfo1', which takes no new droplets"),
        (
            {"image": "nonesuch"},
            "image is 'nonesuch', but the account has no image.*Its own images: flatcar. Public ones: deb",
        ),
        ({"region": "nyc1"}, "image 'flatcar' .id 63663980. is not in region 'nyc1', only in fra1"),
    ],
)
def test_unknown_place_or_image_is_named_with_what_would_do(
    access: ApiAccess, server: StubServer, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        DropletsBackend(access).plan(spec(workers(1), **changes))
    assert server.asked("POST") == []


def test_size_that_the_region_lacks_is_named_with_where_it_is(access: ApiAccess) -> None:
    with pytest.raises(
        ConfigError, match="size 'c-2' is not available in region 'fra1', only in nyc1. Region fra1 offers: s-"
    ):
        DropletsBackend(access).plan(spec(workers(1, size="c-2")))


def test_name_listed_twice_is_refused(access: ApiAccess) -> None:
    with pytest.raises(ConfigError, match="pools name a droplet more than once: demo-worker-1"):
        DropletsBackend(access).plan(spec(workers(1), workers(2)))


def test_tag_with_a_dot_is_refused_before_it_is_sent(access: ApiAccess) -> None:
    with pytest.raises(ConfigError, match="DigitalOcean takes no such tag: 'v1.37'"):
        DropletsBackend(access).plan(spec(workers(1, tags=("v1.37",))))


def test_create_that_errored_is_cleared_away_and_told(
    access: ApiAccess, account: FakeAccount, clock: FakeClock
) -> None:
    account.errored_names = {"demo-worker-2"}
    with pytest.raises(
        ApiError, match=r"could not create demo-worker-2 \(id \d+\): the create action ended as errored"
    ):
        run(access, spec(workers(3)))
    account.errored_names = set()
    clock.sleep(10)
    assert len(run(access, spec(workers(3))).droplets) == 3
    assert names_of(account) == ["demo-worker-1", "demo-worker-2", "demo-worker-3"]


def test_adopted_droplet_whose_create_errored_long_ago_is_found_out_too(
    access: ApiAccess, account: FakeAccount, clock: FakeClock
) -> None:
    account.errored_names = {"demo-worker-1"}
    account.make_droplet("demo-worker-1", tags=[CLUSTER])
    with pytest.raises(ApiError, match="could not create demo-worker-1"):
        run(access, spec(workers(1)))
    assert clock.t < 1030


def test_droplet_that_stays_new_is_named_with_its_last_state(access: ApiAccess, account: FakeAccount) -> None:
    account.active_after_s = 1e9
    with pytest.raises(WaitTimeoutError) as caught:
        run(access, spec(control_plane(), workers(1), timeout_s=60.0))
    assert "Waited 60 s for 2 droplets with the tag flotilla:demo" in str(caught.value)
    assert "demo-worker-1 (id " in str(caught.value)
    assert "new, no public address, no private address" in str(caught.value)
    assert "droplets_timeout_s" in str(caught.value)


def test_active_without_a_private_address_is_not_ready(
    access: ApiAccess, account: FakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = account._shown

    def without_private(droplet: dict[str, object]) -> dict[str, object]:
        answer = shown(droplet)
        v4 = [net for net in answer["networks"].get("v4", []) if net["type"] == "public"]
        return answer | {"networks": {"v4": v4}}

    monkeypatch.setattr(account, "_shown", without_private)
    with pytest.raises(WaitTimeoutError, match=r"demo-worker-1 \(id \d+\): active, no private address"):
        run(access, spec(workers(1), timeout_s=20.0))


def test_created_droplet_that_a_list_lacks_is_not_a_failure(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    account.list_lag_s = 15.0
    assert len(run(access, spec(workers(2))).droplets) == 2
    assert len(server.asked("POST")) == 1


def test_polls_start_fast_and_slow_down(access: ApiAccess, account: FakeAccount, clock: FakeClock) -> None:
    account.active_after_s = 30.0
    run(access, spec(workers(1)))
    assert clock.slept[0] == pytest.approx(0.3)
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == pytest.approx(3.0)


def test_droplet_without_power_is_switched_on(access: ApiAccess, account: FakeAccount) -> None:
    tags = [CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:aaaa"]
    account.make_droplet("demo-worker-1", tags=tags)["status"] = "off"
    backend = DropletsBackend(access)
    plan = backend.plan(spec(workers(1)))
    outcome = backend.apply(plan)
    assert plan.changed
    assert plan.diff()["before"]["droplets"][0]["status"] == "off"
    assert outcome.actions[0]["action"] == "power_on"
    assert outcome.droplets[0].status == "active"


def test_busy_droplet_without_power_is_waited_for(access: ApiAccess, account: FakeAccount) -> None:
    droplet = account.make_droplet("demo-worker-1", tags=[CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:aaaa"])
    plan = DropletsBackend(access).plan(spec(workers(1)))
    plan = replace(plan, switch_on=plan.existing)
    busy = error(422, "unprocessable_entity", "Droplet already has a pending event.")
    account.add_fault("POST", f"/v2/droplets/{droplet['id']}/actions", busy)
    assert DropletsBackend(access).apply(plan).droplets[0].status == "active"


def test_tag_that_is_missing_is_added_but_never_what_tells_the_making(access: ApiAccess, account: FakeAccount) -> None:
    droplet = account.make_droplet("demo-worker-1", tags=[CLUSTER, f"{CLUSTER}:spec:old"])
    pool = workers(1, tags=(f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:new", f"{CLUSTER}:discovery:token2"))
    backend = DropletsBackend(access)
    plan = backend.plan(spec(pool))
    outcome = backend.apply(plan)
    assert sorted(droplet["tags"]) == [CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:old"]
    assert outcome.actions[0]["action"] == "tag"
    assert plan.differs == ["demo-worker-1"]
    assert [d.to_result() for d in plan.differences] == [
        {"name": "demo-worker-1", "attribute": "spec", "before": "old", "after": "new"}
    ]


def test_other_size_is_a_difference_and_no_reason_to_recreate(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    run(access, spec(workers(1)))
    server.requests.clear()
    plan = DropletsBackend(access).plan(spec(workers(1, size="s-2vcpu-4gb")))
    assert plan.differences[0].to_result() == {
        "name": "demo-worker-1",
        "attribute": "size",
        "before": "s-2vcpu-2gb",
        "after": "s-2vcpu-4gb",
    }
    assert plan.changed is False


def test_droplets_that_nobody_asked_for_are_named_and_left(access: ApiAccess, account: FakeAccount) -> None:
    account.make_droplet("demo-worker-9", tags=[CLUSTER])
    plan = DropletsBackend(access).plan(spec(workers(1)))
    assert [droplet.name for droplet in plan.extra] == ["demo-worker-9"]


def test_plan_predicts_without_touching_the_account(
    access: ApiAccess, account: FakeAccount, server: StubServer
) -> None:
    account.make_droplet("demo-worker-1", tags=[CLUSTER, f"{CLUSTER}:pool:worker", f"{CLUSTER}:spec:aaaa"])
    plan = DropletsBackend(access).plan(spec(workers(2)))
    assert [(item["name"], item["id"] is None) for item in plan.predicted()] == [
        ("demo-worker-1", False),
        ("demo-worker-2", True),
    ]
    assert plan.actions() == [
        {"action": "adopt", "name": "demo-worker-1", "id": 51230001},
        {"action": "create", "name": "demo-worker-2", "id": None},
    ]
    assert {r.method for r in server.requests} == {"GET"}


def test_diff_shows_user_data_as_its_hash_only(access: ApiAccess) -> None:
    plan = DropletsBackend(access).plan(spec(workers(1)))
    diff = plan.diff()
    assert diff["before"] == {"droplets": []}
    assert diff["after"]["droplets"][0]["user_data"].startswith("sha256:")
    assert "never-shown" not in str(diff)


def test_newest_image_of_a_name_that_the_region_can_use_is_taken(access: ApiAccess, account: FakeAccount) -> None:
    base = account.images[1]
    account.images += [
        base | {"id": 2, "created_at": "2026-10-02"},
        base | {"id": 3, "created_at": "2026-11-01", "regions": ["nyc1"]},
        base | {"id": 4, "created_at": "2026-11-02", "status": "NEW", "regions": []},
    ]
    plan = DropletsBackend(access).plan(spec(workers(1)))
    assert plan.image
    assert plan.image.id == 2


def test_image_that_failed_to_import_is_told_with_its_reason(access: ApiAccess, account: FakeAccount) -> None:
    account.images[1] |= {"status": "deleted", "error_message": "We had a problem decompressing your file"}
    with pytest.raises(ConfigError, match="image 'flatcar' .* is deleted .We had a problem decompressing your file"):
        DropletsBackend(access).plan(spec(workers(1)))


def test_error_of_the_family_reaches_the_caller_as_plain_data(access: ApiAccess, account: FakeAccount) -> None:
    account.active_after_s = 1e9
    with pytest.raises(CollectionError) as caught:
        run(access, spec(workers(1), timeout_s=5.0))
    failure = caught.value.as_failure()
    assert failure["kind"] == "WaitTimeoutError"
    assert failure["waited_s"] == pytest.approx(5.0, abs=0.5)
