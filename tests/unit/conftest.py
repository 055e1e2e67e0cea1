# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account in memory, the server in front of it, and the access to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess, ApiClient
from tests.unit.account_fakes import TOKEN, FakeAccount, FakeClock, StubServer

TOKEN_VARIABLES = ("DIGITALOCEAN_ACCESS_TOKEN", "DO_API_TOKEN", "DIGITALOCEAN_END_POINT")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def account(clock: FakeClock) -> FakeAccount:
    return FakeAccount(clock)


@pytest.fixture
def server(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubServer]:
    for variable in TOKEN_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with StubServer(account).running() as server:
        yield server


@pytest.fixture
def access(server: StubServer, clock: FakeClock) -> ApiAccess:
    return ApiAccess(token=TOKEN, end_point=f"{server.url}/v2/", clock=clock, timeout_s=(1.0, 1.0))


@pytest.fixture
def client(access: ApiAccess) -> ApiClient:
    return access.client()
