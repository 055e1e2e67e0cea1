# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
from ansible_collections.flotilla.coreos.plugins.module_utils._discovery import (
    Discovery,
    DiscoveryBackend,
    DiscoveryPlan,
    DiscoveryService,
    DiscoverySpec,
    TokenState,
    checked_size,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ApiError,
    ConfigError,
    ConflictError,
    ServerError,
    TransportError,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._http import PlainHttp
from tests.unit.account_fakes import Answer, FakeAccount, FakeClock, Request, StubServer

CLUSTER = "flotilla:demo"
TAG = f"{CLUSTER}:discovery:"


class FakeDiscovery:
    """The v2 protocol; shapes and the error code 100 as an etcd 3.4 behind Debian's etcd-discovery answers them."""

    def __init__(self) -> None:
        self.tokens: dict[str, int] = {}
        self.members: dict[str, list[str]] = {}
        self.base = ""
        self.answer: Answer | None = None

    def __call__(self, request: Request) -> Answer:
        if self.answer:
            return self.answer
        if request.path == "/new":
            return self._new(int(request.query["size"]))
        token, _, rest = request.path[1:].partition("/")
        if token not in self.tokens:
            return Answer(404, {"errorCode": 100, "message": "Key not found", "cause": f"/_etcd/registry/{token}"})
        key = f"/_etcd/registry/{token}"
        if rest == "_config/size":
            node = {"key": f"{key}/_config/size", "value": str(self.tokens[token]), "createdIndex": 5}
            return Answer(body={"action": "get", "node": node})
        nodes = [{"key": f"{key}/{m}", "value": m, "createdIndex": i} for i, m in enumerate(self.members[token])]
        node = {"key": key, "dir": True, **({"nodes": nodes} if nodes else {})}
        return Answer(body={"action": "get", "node": node})

    def _new(self, size: int) -> Answer:
        token = f"{len(self.tokens) + 1:032x}"
        self.add(token, size)
        return Answer(body=f"{self.base}/{token}\n".encode())

    def add(self, token: str, size: int, *members: str) -> None:
        self.tokens[token] = size
        self.members[token] = list(members)


@pytest.fixture
def discovery() -> FakeDiscovery:
    return FakeDiscovery()


@pytest.fixture
def service(discovery: FakeDiscovery, clock: FakeClock) -> Iterator[DiscoveryService]:
    with StubServer(discovery).running() as server:
        discovery.base = server.url
        yield DiscoveryService(server.url + "/", PlainHttp(clock, timeout_s=(1.0, 1.0)))


def run(
    access: ApiAccess, service: DiscoveryService, *, size: int = 3, present: bool = True
) -> tuple[DiscoveryPlan, Discovery | None]:
    backend = DiscoveryBackend(access, service)
    plan = backend.plan(DiscoverySpec(cluster="demo", size=size, present=present))
    return plan, backend.apply(plan)


def test_first_run_requests_a_token_and_tags_the_account_at_once(
    access: ApiAccess, account: FakeAccount, service: DiscoveryService
) -> None:
    plan, found = run(access, service)
    token = f"{1:032x}"
    assert found
    assert found.to_result() == {
        "token": token,
        "url": f"{service.base_url}/{token}",
        "size": 3,
        "requested": True,
        "registered": 0,
    }
    assert list(account.tags) == [TAG + token]
    assert plan.diff(found) == {"before": {"tags": []}, "after": {"tags": [TAG + token]}}


def test_second_run_finds_the_token_and_changes_nothing(
    access: ApiAccess, discovery: FakeDiscovery, service: DiscoveryService
) -> None:
    _, first = run(access, service)
    plan, second = run(access, service)
    assert plan.changed is False
    assert first
    assert second
    assert (second.token, second.requested) == (first.token, False)
    assert len(discovery.tokens) == 1


def test_plan_requests_nothing_and_says_that_it_would(
    access: ApiAccess, account: FakeAccount, discovery: FakeDiscovery, service: DiscoveryService
) -> None:
    plan = DiscoveryBackend(access, service).plan(DiscoverySpec(cluster="demo", size=3))
    assert plan.changed
    assert plan.predicted
    assert plan.predicted.to_result() == {
        "token": None,
        "url": None,
        "size": 3,
        "requested": True,
        "registered": None,
    }
    assert plan.diff(plan.predicted)["after"] == {"tags": [TAG + "(a new token)"]}
    assert (discovery.tokens, account.tags) == ({}, {})


def test_token_that_a_living_droplet_carries_counts_though_members_have_registered(
    access: ApiAccess, account: FakeAccount, discovery: FakeDiscovery, service: DiscoveryService
) -> None:
    discovery.add("a" * 32, 3, "m1", "m2")
    account.make_droplet("demo-control-plane-1", tags=[CLUSTER, TAG + "a" * 32])
    plan, found = run(access, service)
    assert plan.changed is False
    assert found
    assert (found.token, found.registered, found.size) == ("a" * 32, 2, 3)


def test_token_in_use_keeps_the_size_that_it_was_made_with(
    access: ApiAccess, account: FakeAccount, discovery: FakeDiscovery, service: DiscoveryService
) -> None:
    discovery.add("a" * 32, 1, "m1")
    account.make_droplet("demo-control-plane-1", tags=[CLUSTER, TAG + "a" * 32])
    _, found = run(access, service, size=3)
    assert found
    assert found.size == 1


def test_token_of_a_cluster_that_is_gone_is_forgotten_and_replaced(
    access: ApiAccess, account: FakeAccount, discovery: FakeDiscovery, service: DiscoveryService
) -> None:
    discovery.add("a" * 32, 3, "m1")
    account.tags[TAG + "a" * 32] = {}
    plan, found = run(access, service)
    assert plan.stale == ("a" * 32,)
    assert found
    assert found.requested
    assert list(account.tags) == [TAG + str(found.token)]


def test_token_that_the_service_no_longer_knows_is_replaced(
    access: ApiAccess, account: FakeAccount, service: DiscoveryService
) -> None:
    account.tags[TAG + "a" * 32] = {}
    _, found = run(access, service)
    assert found
    assert found.requested


def test_unused_token_of_another_size_is_replaced(
    access: ApiAccess, account: FakeAccount, discovery: FakeDiscovery, service: DiscoveryService
) -> None:
    discovery.add("a" * 32, 1)
    account.tags[TAG + "a" * 32] = {}
    plan, found = run(access, service, size=3)
    assert plan.stale == ("a" * 32,)
    assert found
    assert found.size == 3


def test_tokens_of_clusters_with_a_like_name_are_of_no_concern(
    access: ApiAccess, account: FakeAccount, service: DiscoveryService
) -> None:
    account.tags["flotilla:demo2:discovery:" + "b" * 32] = {}
    run(access, service)
    assert "flotilla:demo2:discovery:" + "b" * 32 in account.tags


def test_two_tokens_that_droplets_carry_stop_and_are_both_named(
    access: ApiAccess, account: FakeAccount, service: DiscoveryService
) -> None:
    account.make_droplet("demo-control-plane-1", tags=[CLUSTER, TAG + "a" * 32])
    account.make_droplet("demo-worker-1", tags=[CLUSTER, TAG + "b" * 32])
    with pytest.raises(ConflictError) as caught:
        run(access, service)
    assert f"{'a' * 32} (carried by demo-control-plane-1); {'b' * 32} (carried by demo-worker-1)" in str(caught.value)
    assert "destroy the droplets of one of them" in str(caught.value)


def test_two_unused_tokens_stop_and_the_tag_to_delete_is_named(
    access: ApiAccess, account: FakeAccount, discovery: FakeDiscovery, service: DiscoveryService
) -> None:
    for token in ("a" * 32, "b" * 32):
        discovery.add(token, 3)
        account.tags[TAG + token] = {}
    with pytest.raises(ConflictError, match=f"2 discovery tokens.*delete the tag {TAG}{'a' * 32} unless another run"):
        run(access, service)
    assert len(account.tags) == 2


def test_cluster_that_is_up_needs_no_service(
    access: ApiAccess, account: FakeAccount, discovery: FakeDiscovery, service: DiscoveryService
) -> None:
    account.make_droplet("demo-control-plane-1", tags=[CLUSTER, TAG + "a" * 32])
    discovery.answer = Answer(503, b"down")
    plan, found = run(access, service)
    assert found
    assert (found.token, found.size, found.registered) == ("a" * 32, 3, None)
    assert plan.warnings[0].startswith("The discovery service was not consulted: GET ")


def test_service_that_lost_the_token_in_use_is_worth_a_warning(
    access: ApiAccess, account: FakeAccount, service: DiscoveryService
) -> None:
    account.make_droplet("demo-control-plane-1", tags=[CLUSTER, TAG + "a" * 32])
    plan, found = run(access, service)
    assert found
    assert not found.requested
    assert f"no longer knows token {'a' * 32}" in plan.warnings[0]


def test_absent_deletes_the_tags(access: ApiAccess, account: FakeAccount, service: DiscoveryService) -> None:
    run(access, service)
    plan, found = run(access, service, present=False)
    assert found is None
    assert plan.changed
    assert account.tags == {}
    assert run(access, service, present=False)[0].changed is False


@pytest.mark.parametrize(
    ("size", "words"), [(0, "size is 0; .* 1 will do"), (2, "size is 2; .* 1 or 3 will do"), (-1, "1 will do")]
)
def test_size_that_no_etcd_should_have_is_refused(size: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        checked_size(size)


NONSENSE = ["", "<html>Welcome to nginx</html>", "not a url", "http://127.0.0.1/", "ftp://127.0.0.1/" + "a" * 32, "{}"]


@pytest.mark.parametrize("text", NONSENSE)
def test_service_that_answers_nonsense_is_told_with_url_and_answer(
    access: ApiAccess, account: FakeAccount, discovery: FakeDiscovery, service: DiscoveryService, text: str
) -> None:
    discovery.answer = Answer(200, text.encode())
    shown = text or "an empty answer"
    with pytest.raises(ApiError, match=r"GET http://127.0.0.1:\d+/new\?size=3: no discovery service answers") as caught:
        run(access, service)
    assert shown in str(caught.value)
    assert account.tags == {}


def test_token_at_another_host_is_refused(discovery: FakeDiscovery, service: DiscoveryService) -> None:
    discovery.answer = Answer(200, b"http://elsewhere.example/" + b"a" * 32)
    with pytest.raises(ApiError, match="a token at another host, 'http://elsewhere.example/aaa"):
        service.request_token(3)


def test_service_that_is_down_is_told_with_what_names_it(clock: FakeClock) -> None:
    service = DiscoveryService("http://127.0.0.1:9", PlainHttp(clock))
    with pytest.raises(
        TransportError, match=r"GET http://127.0.0.1:9/new\?size=3: cannot connect.*discovery_url names it"
    ):
        service.request_token(3)


def test_service_that_fails_is_told_after_several_tries(
    discovery: FakeDiscovery, service: DiscoveryService, clock: FakeClock
) -> None:
    discovery.answer = Answer(503, b"Unable to generate token")
    with pytest.raises(ServerError, match="HTTP 503, 'Unable to generate token'"):
        service.request_token(3)
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("url", ["", "discovery.example.net", "http://", "http://x/?a=b"])
def test_url_that_is_none_is_refused_with_one_that_will_do(url: str, clock: FakeClock) -> None:
    with pytest.raises(ConfigError, match="discovery_url is .*such as http://discovery.example.net:8087"):
        DiscoveryService(url, PlainHttp(clock)).request_token(1)


@pytest.mark.parametrize("text", ["<html>hello</html>", "{}", '{"node": 1}', "[]", '{"node": {"value": "many"}}'])
def test_state_of_a_token_that_cannot_be_read_is_told(
    discovery: FakeDiscovery, service: DiscoveryService, text: str
) -> None:
    discovery.answer = Answer(200, text.encode())
    with pytest.raises(ApiError, match="no discovery service answers there|holds no size"):
        service.state_of("a" * 32)


def test_state_of_a_token_counts_its_members(discovery: FakeDiscovery, service: DiscoveryService) -> None:
    discovery.add("a" * 32, 5, "m1", "m2")
    assert service.state_of("a" * 32) == TokenState(size=5, registered=2)
    assert service.state_of("b" * 32) is None
