# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import SshKey
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.ssh_keys import (
    SshKeyBackend,
    SshKeyPlan,
    SshKeySpec,
    fingerprint,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ConfigError,
    InvalidError,
    WaitTimeoutError,
)
from tests.unit.account_fakes import Answer, FakeAccount, StubServer, error

# Made for these tests; its fingerprint by ssh-keygen -l -E md5.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJDIBLm1KuVzCO9z8AWJGDrSKodEQtpAuOkASibrOBN me@here"
MARK = "a6:1f:a3:3d:7b:f5:83:c4:b3:bd:c6:bd:d2:45:ae:e8"


def run(access: ApiAccess, *, present: bool = True, name: str = "flotilla-demo") -> tuple[SshKeyPlan, SshKey | None]:
    backend = SshKeyBackend(access)
    plan = backend.plan(SshKeySpec(name=name, public_key=KEY + "\n", present=present))
    return plan, backend.apply(plan)


def test_fingerprint_is_that_of_ssh_keygen() -> None:
    assert fingerprint(KEY) == MARK


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-rsa " + KEY.split()[1], "ssh-ed25519 %%%", "hello world"])
def test_what_is_no_public_key_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(ConfigError, match="no OpenSSH public key: 'type base64 comment'"):
        fingerprint(text)


def test_private_key_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError, match="holds a private key") as caught:
        fingerprint("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n")
    assert "c2VjcmV0" not in str(caught.value)


def test_new_key_is_created(access: ApiAccess, account: FakeAccount) -> None:
    plan, key = run(access)
    assert plan.changed
    assert key
    assert (key.name, key.fingerprint, key.public_key) == ("flotilla-demo", MARK, KEY)
    assert list(account.keys) == [key.id]


def test_second_time_there_is_nothing_to_do_and_one_request(access: ApiAccess, server: StubServer) -> None:
    run(access)
    server.requests.clear()
    plan, key = run(access)
    assert plan.changed is False
    assert key
    assert [r.path for r in server.requests] == [f"/v2/account/keys/{MARK}"]


def test_key_under_another_name_is_used_as_it_is(access: ApiAccess, account: FakeAccount) -> None:
    run(access, name="laptop")
    plan, key = run(access)
    assert plan.changed is False
    assert key
    assert key.name == "laptop"


def test_key_that_another_run_made_meanwhile_is_found(access: ApiAccess, account: FakeAccount) -> None:
    plan = SshKeyBackend(access).plan(SshKeySpec(name="flotilla-demo", public_key=KEY, present=True))
    run(access)
    key = SshKeyBackend(access).apply(plan)
    assert key
    assert len(account.keys) == 1


@pytest.mark.parametrize("answer", [Answer(drop=True), Answer(500, b""), Answer(201, b'{"ssh')])
def test_key_whose_answer_was_lost_is_found(access: ApiAccess, account: FakeAccount, answer: Answer) -> None:
    account.add_fault("POST", "/v2/account/keys", answer, after_effect=True)
    _, key = run(access)
    assert key
    assert key.fingerprint == MARK


def test_key_that_never_appears_is_told_with_the_cause(access: ApiAccess, account: FakeAccount) -> None:
    account.add_fault("POST", "/v2/account/keys", Answer(500, b""))
    with pytest.raises(WaitTimeoutError, match="SSH key flotilla-demo to appear.*ended with: POST .* HTTP 500"):
        run(access)


def test_key_that_digitalocean_refuses_is_told(access: ApiAccess, account: FakeAccount) -> None:
    refusal = error(422, "unprocessable_entity", "Key invalid type, we support 'ssh-rsa'")
    account.add_fault("POST", "/v2/account/keys", refusal)
    with pytest.raises(InvalidError, match="Key invalid type"):
        run(access)


def test_absent_removes_the_key_that_bears_the_name(access: ApiAccess, account: FakeAccount) -> None:
    run(access)
    plan, key = run(access, present=False)
    assert plan.changed
    assert key is None
    assert plan.predicted() is None
    assert account.keys == {}


def test_absent_keeps_a_key_of_another_name_and_says_why(access: ApiAccess, account: FakeAccount) -> None:
    run(access, name="laptop")
    plan, key = run(access, present=False)
    assert plan.changed is False
    assert key
    assert "under the name 'laptop', not 'flotilla-demo'" in plan.kept


def test_absent_key_is_absent_already(access: ApiAccess) -> None:
    plan, _ = run(access, present=False)
    assert plan.changed is False


def test_plan_predicts_without_an_id(access: ApiAccess, account: FakeAccount) -> None:
    plan = SshKeyBackend(access).plan(SshKeySpec(name="flotilla-demo", public_key=KEY, present=True))
    assert plan.predicted() == {"id": None, "name": "flotilla-demo", "fingerprint": MARK, "public_key": KEY}
    assert plan.diff()["before"] == {"ssh_key": None}
    assert account.keys == {}
