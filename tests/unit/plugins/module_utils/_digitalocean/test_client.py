# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from digitalocean import baseapi

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean import client as client_module
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess, ApiClient
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ApiError,
    ConfigError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    LimitReachedError,
    NoCapacityError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TransportError,
    UnauthorizedError,
)
from tests.unit.account_fakes import TOKEN, Answer, FakeAccount, FakeClock, StubServer, error


def test_library_has_the_private_method_that_the_client_replaces() -> None:
    assert callable(baseapi.BaseAPI.__dict__["_BaseAPI__perform_request"])
    assert ApiClient.__dict__["_BaseAPI__perform_request"]


def test_library_itself_sends_through_the_method_of_the_client(client: ApiClient, account: FakeAccount) -> None:
    account.add_fault("GET", "/v2/account", Answer(500, b""))
    assert client.get_data("account")["account"]["status"] == "active"  # type: ignore[no-untyped-call]  # library


def test_every_verb_passes_through_the_one_session_with_the_token(client: ApiClient, server: StubServer) -> None:
    client.get("account")
    client.post("tags", {"name": "x"})
    client.delete("tags/x")
    assert [r.method for r in server.requests] == ["GET", "POST", "DELETE"]
    assert {r.headers["authorization"] for r in server.requests} == {f"Bearer {TOKEN}"}


def test_end_point_without_its_last_slash_keeps_the_version(server: StubServer, clock: FakeClock) -> None:
    ApiAccess(token=TOKEN, end_point=f"{server.url}/v2", clock=clock).client().get("account")
    assert server.requests[0].path == "/v2/account"


@pytest.mark.parametrize("path", ["/v2/account", "/account", "account"])
def test_path_with_or_without_slash_and_version_means_the_same(
    client: ApiClient, server: StubServer, path: str
) -> None:
    client.get(path)
    assert server.requests[0].path == "/v2/account"


def test_absolute_url_of_another_host_never_sees_the_token(client: ApiClient, server: StubServer) -> None:
    with pytest.raises(ApiError, match="the token stays here"):
        client.get("http://127.0.0.1:9/v2/account")
    assert server.requests == []


@pytest.mark.parametrize("url", ["api.example.net/v2", "ftp://x/v2/", "http://", "https://x/v2/?a=b"])
def test_end_point_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="api_url is"):
        ApiAccess(token=TOKEN, end_point=url).client()


def test_missing_token_names_option_and_variables() -> None:
    with pytest.raises(ConfigError, match="api_token.*DIGITALOCEAN_ACCESS_TOKEN or DO_API_TOKEN"):
        ApiAccess(token=" ").client()


def test_token_is_in_no_representation_and_no_error(server: StubServer, clock: FakeClock) -> None:
    access = ApiAccess(token="secret-token", end_point=f"{server.url}/v2/", clock=clock)
    with pytest.raises(UnauthorizedError) as caught:
        access.client().get("account")
    assert "secret-token" not in f"{access!r} {access.client()!r} {caught.value} {caught.value.as_failure()}"


def test_netrc_does_not_replace_the_token(
    client: ApiClient, server: StubServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client.get("account")
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


REFUSALS = [
    (error(401, "unauthorized", "Unable to authenticate you."), UnauthorizedError, "does not accept the token"),
    (error(403, "forbidden", "You are not authorized"), ForbiddenError, "HTTP 403 forbidden: You are not authorized"),
    (
        error(403, "forbidden", "Load Balancer can't be updated while it processes previous actions"),
        ConflictError,
        "403",
    ),
    (error(404, "not_found", "Failed to resolve VPC"), NotFoundError, "Failed to resolve VPC"),
    (error(409, "conflict", "Can not delete VPC with members"), ConflictError, "409"),
    (error(412, "precondition_failed", "cannot delete a project with resources"), ConflictError, "412"),
    (error(422, "unprocessable_entity", "Droplet already has a pending event."), ConflictError, "pending event"),
    (
        error(422, "unprocessable_entity", "creating this/these droplet(s) will exceed your droplet limit"),
        LimitReachedError,
        "exceed your droplet limit",
    ),
    (
        Answer(
            422,
            {
                "id": "unprocessable_entity",
                "message": "The size you selected is temporarily unavailable.",
                "error_attributes": {"available_regions": ["nyc1", "ams3"]},
            },
        ),
        NoCapacityError,
        "available in: nyc1, ams3",
    ),
    (
        error(422, "unprocessable_entity", "Size is not available in this region."),
        InvalidError,
        "Size is not available",
    ),
    (
        Answer(400, {"error": "Bad Request", "messages": None, "root_causes": ["Tag name is invalid"]}),
        InvalidError,
        r"Bad Request \(Tag name is invalid\)",
    ),
    (error(422, "unprocessable_entity", {"size": ["is odd"]}), InvalidError, r'\{"size": \["is odd"\]\}'),
    (Answer(418, b"<html>teapot</html>"), ApiError, "<html>teapot</html>"),
    (Answer(422, [1]), InvalidError, r"\[1\]"),
    (Answer(404, b""), NotFoundError, "an empty answer"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), REFUSALS)
def test_refusal_becomes_the_error_that_says_what_to_make_of_it(
    client: ApiClient, account: FakeAccount, answer: Answer, kind: type[ApiError], words: str
) -> None:
    account.add_fault("POST", "/v2/droplets", answer)
    with pytest.raises(kind, match=words) as caught:
        client.post("droplets", {})
    assert type(caught.value) is kind
    assert caught.value.status == answer.status
    assert caught.value.request_id == "5f0c-request"
    assert "request 5f0c-request" in str(caught.value)


def test_redirect_is_not_followed_but_named(client: ApiClient, account: FakeAccount, server: StubServer) -> None:
    account.add_fault("POST", "/v2/droplets", Answer(301, b"", {"location": "/v2/droplets/"}))
    with pytest.raises(ApiError, match="redirects to /v2/droplets/, which is not followed: check api_url"):
        client.post("droplets", {})
    assert len(server.requests) == 1


BROKEN = [
    error(500, "server_error", "Unexpected server-side error"),
    Answer(500, b""),
    Answer(502, b"<html>Bad gateway</html>"),
    error(503, "service_unavailable", "Service is currently unavailable."),
    Answer(524, b"<html>A timeout occurred</html>"),
    Answer(200, b'{"account": {"sta'),
    Answer(202, b""),
    Answer(200, b"<html>It works!</html>"),
    Answer(200, [1, 2]),
    Answer(drop=True),
]


@pytest.mark.parametrize("answer", BROKEN)
def test_get_is_tried_again_with_growing_pauses(
    client: ApiClient, account: FakeAccount, clock: FakeClock, answer: Answer
) -> None:
    account.add_fault("GET", "/v2/account", answer, times=3)
    assert client.get("account")["account"]["status"] == "active"
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("answer", BROKEN)
def test_post_whose_outcome_is_unknown_is_sent_once(
    client: ApiClient, account: FakeAccount, server: StubServer, answer: Answer
) -> None:
    account.add_fault("POST", "/v2/tags", answer, times=9)
    with pytest.raises((ServerError, TransportError)) as caught:
        client.post("tags", {"name": "x"})
    assert len(server.requests) == 1
    if isinstance(caught.value, TransportError):
        assert caught.value.as_failure()["sent"] == "unknown"


def test_patience_ends_with_the_last_answer(client: ApiClient, account: FakeAccount, server: StubServer) -> None:
    account.add_fault("GET", "/v2/account", Answer(502, b"<html>Bad gateway</html>"), times=99)
    with pytest.raises(ServerError, match=r"GET .*/v2/account: HTTP 502: '<html>Bad gateway</html>'"):
        client.get("account")
    assert len(server.requests) == 6


def test_unreadable_success_asks_whether_this_is_the_api(client: ApiClient, account: FakeAccount) -> None:
    account.add_fault("GET", "/v2/account", Answer(200, b"<html>It works!</html>"), times=99)
    with pytest.raises(
        ServerError, match="no JSON object: '<html>It works!</html>'. Is the end point a DigitalOcean API"
    ):
        client.get("account")


def test_answer_later_than_the_time_out_leaves_the_outcome_open(account: FakeAccount, clock: FakeClock) -> None:
    def slow(request: Any) -> Answer:
        time.sleep(0.2)
        return account(request)

    with StubServer(slow).running() as server:
        access = ApiAccess(token=TOKEN, end_point=f"{server.url}/v2/", clock=clock, timeout_s=(0.05, 0.05))
        with pytest.raises(TransportError, match="POST .*/v2/tags: no answer in time") as caught:
            access.client().post("tags", {"name": "x"})
    assert caught.value.sent == "unknown"


def test_refused_connection_was_never_sent_and_is_tried_again(clock: FakeClock) -> None:
    access = ApiAccess(token=TOKEN, end_point="http://127.0.0.1:9/v2/", clock=clock)
    with pytest.raises(
        TransportError, match=r"POST http://127.0.0.1:9/v2/tags: cannot connect \(.*refused\)"
    ) as caught:
        access.client().post("tags", {"name": "x"})
    assert caught.value.sent == "no"
    assert access.counter.count == 6


CALLS: list[tuple[str, str, Callable[[ApiClient], object]]] = [
    ("GET", "/v2/tags", lambda client: client.get("tags")),
    ("POST", "/v2/tags", lambda client: client.post("tags", {"name": "x"})),
    ("DELETE", "/v2/tags/x", lambda client: client.delete("tags/x")),
]


@pytest.mark.parametrize(("method", "path", "call"), CALLS)
def test_burst_limit_is_waited_out_for_as_long_as_asked(
    client: ApiClient,
    account: FakeAccount,
    clock: FakeClock,
    method: str,
    path: str,
    call: Callable[[ApiClient], object],
) -> None:
    account.add_fault(method, path, error(429, "too_many_requests", "API Rate limit exceeded.", retry_after="7"))
    call(client)
    assert clock.slept == [7.0]


def test_hourly_limit_fails_at_once_and_names_the_time(
    client: ApiClient, account: FakeAccount, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_795_400_000.0)
    until = {"ratelimit_remaining": "0", "ratelimit_reset": "1795401800"}
    account.add_fault("GET", "/v2/account", error(429, "too_many_requests", "API Rate limit exceeded.", **until))
    with pytest.raises(RateLimitedError, match="The limit lifts at 0.:..:.. UTC, in 1800 s: run again then") as caught:
        client.get("account")
    assert clock.slept == []
    assert caught.value.as_failure()["retry_after_s"] == 1800


def test_delete_retried_into_404_is_done(client: ApiClient, account: FakeAccount) -> None:
    account.tags["x"] = {}
    account.add_fault("DELETE", "/v2/tags/x", Answer(drop=True), after_effect=True)
    assert client.delete("tags/x") is False
    assert "x" not in account.tags


def test_list_has_all_pages(client: ApiClient, account: FakeAccount, server: StubServer) -> None:
    account.page_size = 2
    account.tags = {f"t{i}": {} for i in range(5)}
    assert [tag["name"] for tag in client.list_all("tags", "tags")] == ["t0", "t1", "t2", "t3", "t4"]
    assert [r.query["page"] for r in server.requests] == ["1", "2", "3"]


def test_rate_limit_on_page_two_does_not_shorten_the_list(
    client: ApiClient, account: FakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.page_size = 2
    account.tags = {f"t{i}": {} for i in range(3)}
    real = account._page
    refusals = [error(429, "too_many_requests", "API Rate limit exceeded.", retry_after="1")]

    def page(request: Any, key: str, items: list[Any]) -> Answer:
        return refusals.pop() if request.query["page"] == "2" and refusals else real(request, key, items)

    monkeypatch.setattr(account, "_page", page)
    assert len(client.list_all("tags", "tags")) == 3


def test_list_that_stays_short_of_its_total_is_an_error(client: ApiClient, account: FakeAccount) -> None:
    answer = Answer(200, {"tags": [{"name": "a"}], "links": None, "meta": {"total": 3}})
    account.add_fault("GET", "/v2/tags", answer, times=99)
    with pytest.raises(ApiError, match="GET tags: 1 items came, but the API counts 3, 3 times over"):
        client.list_all("tags", "tags")


def test_list_that_was_short_once_is_read_again(client: ApiClient, account: FakeAccount) -> None:
    account.tags = {"a": {}, "b": {}}
    account.add_fault("GET", "/v2/tags", Answer(200, {"tags": [{"name": "a"}], "links": {}, "meta": {"total": 2}}))
    assert len(client.list_all("tags", "tags")) == 2


def test_next_link_that_never_ends_is_left(client: ApiClient, account: FakeAccount, server: StubServer) -> None:
    more = {"pages": {"next": "https://api.digitalocean.com/v2/tags?page=2"}}
    account.add_fault("GET", "/v2/tags", Answer(200, {"tags": [{"name": "a"}], "links": more}))
    account.add_fault("GET", "/v2/tags", Answer(200, {"tags": [], "links": more}), times=99)
    assert [tag["name"] for tag in client.list_all("tags", "tags")] == ["a"]
    assert len(server.requests) == 2


def test_answer_without_the_list_is_an_error(client: ApiClient, account: FakeAccount) -> None:
    account.add_fault("GET", "/v2/tags", Answer(200, {"hello": "world"}))
    with pytest.raises(ApiError, match="the answer has no list 'tags'. Is http"):
        client.list_all("tags", "tags")


def test_count_reads_one_item_only(client: ApiClient, account: FakeAccount, server: StubServer) -> None:
    account.tags = {f"t{i}": {} for i in range(5)}
    assert client.count("tags", "tags") == 5
    assert server.requests[0].query["per_page"] == "1"


def test_requests_are_counted_over_all_clients_and_retries(access: ApiAccess, account: FakeAccount) -> None:
    account.add_fault("GET", "/v2/account", Answer(500, b""))
    access.client().get("account")
    access.client().get("account")
    assert access.counter.count == 3


def test_client_module_names_the_version_that_it_was_written_for() -> None:
    assert client_module.LIBRARY == "python-digitalocean==1.17.0"
