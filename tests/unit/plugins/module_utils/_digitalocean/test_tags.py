# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess, ApiClient
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.tags import (
    TagPlan,
    TagsBackend,
    TagSpec,
    make_tag,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError, InvalidError
from tests.unit.account_fakes import FakeAccount, StubServer, error

READY = "flotilla:demo:ready"


def run(access: ApiAccess, names: list[str], ids: list[int], *, present: bool = True) -> TagPlan:
    backend = TagsBackend(access)
    plan = backend.plan(TagSpec(names=names, droplet_ids=ids, present=present))
    backend.apply(plan)
    return plan


@pytest.fixture
def ids(account: FakeAccount) -> list[int]:
    return [account.make_droplet(f"demo-worker-{i}", tags=["flotilla:demo"])["id"] for i in (1, 2)]


def test_tag_is_made_and_put_on_the_droplets(access: ApiAccess, account: FakeAccount, ids: list[int]) -> None:
    plan = run(access, [READY], ids)
    assert all(READY in droplet["tags"] for droplet in account.droplets.values())
    assert plan.diff() == {"before": {"tags": []}, "after": {"tags": [{"name": READY, "droplet_ids": ids}]}}


def test_second_time_there_is_nothing_to_do(
    access: ApiAccess, server: StubServer, account: FakeAccount, ids: list[int]
) -> None:
    run(access, [READY], ids)
    server.requests.clear()
    assert run(access, [READY], ids).changed is False
    assert len(server.requests) == 1


def test_only_the_droplets_that_lack_it_are_tagged(
    access: ApiAccess, server: StubServer, account: FakeAccount, ids: list[int]
) -> None:
    run(access, [READY], ids[:1])
    server.requests.clear()
    run(access, [READY], ids)
    (request,) = server.asked("POST")
    assert request.body == {"resources": [{"resource_id": str(ids[1]), "resource_type": "droplet"}]}


def test_absent_takes_it_off_and_leaves_other_droplets_alone(
    access: ApiAccess, account: FakeAccount, ids: list[int]
) -> None:
    run(access, [READY], ids)
    plan = run(access, [READY], ids[:1], present=False)
    assert [READY in droplet["tags"] for droplet in account.droplets.values()] == [False, True]
    assert plan.to_result() == [{"name": READY, "droplet_ids": ids[1:]}]


def test_absent_without_droplets_deletes_the_tag(access: ApiAccess, account: FakeAccount, ids: list[int]) -> None:
    run(access, [READY], ids)
    assert run(access, [READY], [], present=False).changed
    assert READY not in account.tags


def test_absent_tag_is_absent_already(access: ApiAccess, ids: list[int]) -> None:
    assert run(access, [READY], [], present=False).changed is False
    assert run(access, [READY], ids, present=False).changed is False


def test_present_without_droplets_makes_the_tag_alone(access: ApiAccess, account: FakeAccount) -> None:
    assert run(access, [READY], []).changed
    assert READY in account.tags
    assert run(access, [READY], []).changed is False


def test_name_that_is_no_tag_is_refused(access: ApiAccess, server: StubServer) -> None:
    with pytest.raises(ConfigError, match="no such tag: 'flotilla.demo'.*no dots"):
        run(access, ["flotilla.demo"], [])
    assert server.requests == []


def test_refusal_of_a_tag_that_exists_is_no_fault(client: ApiClient, account: FakeAccount) -> None:
    account.tags[READY] = {}
    account.add_fault("POST", "/v2/tags", error(422, "unprocessable_entity", "Tag already exists"))
    make_tag(client, READY)


def test_refusal_of_a_tag_that_does_not_exist_is_told(client: ApiClient, account: FakeAccount) -> None:
    account.add_fault("POST", "/v2/tags", error(422, "unprocessable_entity", "Tag limit reached"))
    with pytest.raises(InvalidError, match="Tag limit reached"):
        make_tag(client, READY)
