# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paper clouds of this test session's own: the real API and its times, without machines; and a proxy that breaks it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
import requests

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
from tests.operate import Cloud, running_cloud
from tests.unit.account_fakes import Answer, Request, StubServer

StartCloud = Callable[..., Cloud]


@pytest.fixture(scope="session")
def start_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartCloud]:
    """Return a function that starts a paper cloud; all of them are gone at the end whatever happens."""
    with ExitStack() as clouds:
        yield lambda *words: clouds.enter_context(
            running_cloud(tmp_path_factory.mktemp("clouds"), "--driver", "paper", *words)
        )


@pytest.fixture(scope="session")
def slow_cloud(start_cloud: StartCloud) -> Cloud:
    """A paper cloud whose steps take a second or two, with room for a thousand droplets and no burst limit."""
    return start_cloud("--delays", "short", "--droplet-limit", "1100", "--burst-limit", "0")


@pytest.fixture
def cluster_name() -> str:
    """A name that no other test uses."""
    return f"c{secrets.token_hex(3)}"


@dataclass
class FaultyApi:
    """Stands between a client and the cloud's API, and spoils what it is told to."""

    upstream: str
    faults: list[tuple[str, str, Answer, bool]] = field(default_factory=list)

    def spoil(self, method: str, path: str, answer: Answer, *, after_effect: bool) -> None:
        """Answer the next such request so; with `after_effect` the cloud gets it all the same."""
        self.faults.append((method, path, answer, after_effect))

    def __call__(self, request: Request) -> Answer:
        fault = next((f for f in self.faults if f[0] == request.method and re.fullmatch(f[1], request.path)), None)
        if fault is not None:
            self.faults.remove(fault)
            if not fault[3]:
                return fault[2]
        answer = self._forward(request)
        return fault[2] if fault else answer

    def _forward(self, request: Request) -> Answer:
        answer = requests.request(
            request.method,
            self.upstream + request.path,
            params=request.query,
            json=None if request.method == "GET" else request.body,
            headers={"Authorization": request.headers["authorization"]},
            timeout=30,
        )
        kept = {name: answer.headers[name] for name in ("retry-after", "x-request-id") if name in answer.headers}
        return Answer(answer.status_code, answer.content, kept)


@pytest.fixture
def faulty_api(slow_cloud: Cloud) -> FaultyApi:
    """The spoiler before the slow cloud."""
    return FaultyApi(slow_cloud.connection["api_url"].removesuffix("/v2/"))


@pytest.fixture
def spoiled_access(slow_cloud: Cloud, faulty_api: FaultyApi) -> Iterator[ApiAccess]:
    """Access to the slow cloud through the spoiler."""
    with StubServer(faulty_api).running() as server:
        yield ApiAccess(token=slow_cloud.connection["token"], end_point=f"{server.url}/v2/")


@pytest.fixture
def access(slow_cloud: Cloud) -> ApiAccess:
    """Access to the slow cloud."""
    return ApiAccess(token=slow_cloud.connection["token"], end_point=slow_cloud.connection["api_url"])
