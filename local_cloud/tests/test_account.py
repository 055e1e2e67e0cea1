# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from paper_cloud import PUBLIC_KEY, Cloud, running_cloud

from local_cloud.api.limits import HOURLY_LIMIT, RateLimits

if TYPE_CHECKING:
    from pathlib import Path

# As `ssh-keygen -E md5 -l` prints it.
FINGERPRINT = "8c:4f:f5:56:03:a8:9a:91:f6:4d:10:9a:a7:58:43:49"


def test_wrong_token_is_refused_and_learns_nothing(cloud: Cloud) -> None:
    answer = cloud.call("GET", "account", token="dop_v1_wrong")
    assert answer.status_code == 401
    assert {key: answer.json()[key] for key in ("id", "message")} == {
        "id": "unauthorized",
        "message": "Unable to authenticate you.",
    }
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_every_answer_carries_the_rate_limit_headers(cloud: Cloud) -> None:
    first, second = cloud.call("GET", "account"), cloud.call("GET", "droplets/1")
    assert second.status_code == 404
    assert first.headers["ratelimit-limit"] == "5000"
    assert int(first.headers["ratelimit-remaining"]) - int(second.headers["ratelimit-remaining"]) == 1
    assert int(first.headers["ratelimit-reset"]) > 1_700_000_000


def test_burst_is_refused_with_a_time_to_retry_after(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "db", burst_per_minute=3) as cloud:
        answers = [cloud.call("GET", "account") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[3].headers["retry-after"]) <= 60
        assert answers[3].headers["ratelimit-remaining"] == "0"
        assert answers[3].json()["message"] == "API Rate limit exceeded."


def test_eleventh_listing_of_keys_in_a_minute_is_refused_and_other_requests_pass() -> None:
    limits = RateLimits(250, clock=lambda: 1000.0)
    assert [limits.admit("GET", "/v2/account/keys").is_allowed for _ in range(11)] == [True] * 10 + [False]
    assert limits.admit("GET", "/v2/account/keys/7").is_allowed


def test_used_up_hour_is_refused_without_a_time_to_retry_after() -> None:
    now_s = 0.0
    limits = RateLimits(0, clock=lambda: now_s)
    for _ in range(HOURLY_LIMIT):
        assert limits.admit("GET", "/v2/account").is_allowed
    verdict = limits.admit("GET", "/v2/account")
    assert not verdict.is_allowed
    assert "retry-after" not in dict(verdict.headers)
    assert dict(verdict.headers)["ratelimit-reset"] == "3600"
    now_s = 3600.0
    assert limits.admit("GET", "/v2/account").is_allowed


def test_slash_at_the_end_makes_no_difference_and_no_redirect(cloud: Cloud) -> None:
    answer = cloud.call("POST", "droplets/", cloud.order("web-1"))
    assert answer.status_code == 202
    assert not answer.history


def test_key_is_found_by_number_and_by_fingerprint(cloud: Cloud) -> None:
    number = cloud.add_key()
    by_number = cloud.get(f"account/keys/{number}")["ssh_key"]
    assert by_number == cloud.get(f"account/keys/{FINGERPRINT}")["ssh_key"]
    assert by_number["public_key"] == PUBLIC_KEY


def test_same_key_under_another_name_is_in_use(cloud: Cloud) -> None:
    cloud.add_key()
    answer = cloud.call("POST", "account/keys", {"name": "other", "public_key": PUBLIC_KEY.rsplit(" ", 1)[0]})
    assert (answer.status_code, answer.json()["message"]) == (422, "SSH Key is already in use on your account")


@pytest.mark.parametrize(
    ("public_key", "message"),
    [
        ("nonsense", "Key invalid, key should be of the format `type key [comment]`"),
        ("ssh-foo AAAA", "Key invalid type, we support 'ssh-rsa'"),
        ("ssh-ed25519 !!!", "Fingerprint could not be generated, please make sure your key is valid"),
        ("ssh-rsa " + PUBLIC_KEY.split()[1], "Fingerprint could not be generated, please make sure your key is valid"),
    ],
)
def test_bad_key_is_refused_with_the_text_of_the_api(cloud: Cloud, public_key: str, message: str) -> None:
    answer = cloud.call("POST", "account/keys", {"name": "ops", "public_key": public_key})
    assert answer.status_code == 422
    assert answer.json()["message"].startswith(message)


def test_key_is_renamed_and_deleted(cloud: Cloud) -> None:
    number = cloud.add_key()
    assert cloud.call("PUT", f"account/keys/{number}", {"name": "new"}).json()["ssh_key"]["name"] == "new"
    assert cloud.call("DELETE", f"account/keys/{number}").status_code == 204
    assert cloud.call("DELETE", f"account/keys/{number}").status_code == 404


def test_images_are_filtered_and_found_by_slug_and_number(cloud: Cloud) -> None:
    private = cloud.get("images?private=true")["images"]
    assert [image["slug"] for image in private] == ["flatcar-stable"]
    assert cloud.get("images/flatcar-stable")["image"] == cloud.get(f"images/{private[0]['id']}")["image"]
    assert "flatcar-stable" not in {image["slug"] for image in cloud.get("images?type=distribution")["images"]}
    assert cloud.call("GET", "images/nothing").status_code == 404


def test_sizes_and_regions_agree_with_each_other(cloud: Cloud) -> None:
    sizes = {size["slug"]: size for size in cloud.get("sizes?per_page=200")["sizes"]}
    for region in cloud.get("regions?per_page=200")["regions"]:
        for slug, size in sizes.items():
            assert (slug in region["sizes"]) == (region["slug"] in size["regions"])


def test_what_is_not_emulated_says_so(cloud: Cloud) -> None:
    answer = cloud.call("GET", "firewalls")
    assert (answer.status_code, answer.json()["message"]) == (
        501,
        "The local cloud does not emulate GET /v2/firewalls.",
    )
    assert cloud.call("GET", "nonsense").status_code == 404


def test_broken_body_is_a_bad_request(cloud: Cloud) -> None:
    answer = cloud.call("POST", "droplets", ["no", "object"])
    assert (answer.status_code, answer.json()["message"]) == (400, "error parsing request body")


def test_request_log_tells_what_was_asked_without_the_token(tmp_path: Path) -> None:
    log = tmp_path / "api.jsonl"
    with running_cloud(tmp_path / "db", request_log=log) as cloud:
        answer = cloud.call("GET", "droplets?tag_name=a:b")
    entry = json.loads(log.read_text().splitlines()[-1])
    assert (entry["method"], entry["path"], entry["query"], entry["status"]) == (
        "GET", "/v2/droplets", "tag_name=a:b", 200,
    )  # fmt: skip
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert "dop_v1_" not in log.read_text()
