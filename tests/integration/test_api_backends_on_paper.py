# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends against the local cloud's API: its real times, its own rules, and what networks do to both."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean import lookups
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.droplets import (
    DropletsBackend,
    DropletsSpec,
    Outcome,
    PoolSpec,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.removal import (
    RemovalBackend,
    RemovalPlan,
    RemovalSpec,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.tags import TagsBackend, TagSpec
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ConflictError,
    LimitReachedError,
    UnauthorizedError,
)
from tests.integration.conftest import FaultyApi, StartCloud
from tests.operate import BIN, REPOSITORY, Cloud, execute
from tests.unit.account_fakes import Answer, error


def spec(cluster: str, workers: int) -> DropletsSpec:
    own = f"flotilla:{cluster}"
    names = tuple(f"{cluster}-worker-{number}" for number in range(1, workers + 1))
    control_plane = PoolSpec(names=(f"{cluster}-control-plane-1",), size="s-2vcpu-4gb", tags=(f"{own}:control-plane",))
    pool = PoolSpec(names=names, size="s-2vcpu-2gb", tags=(f"{own}:pool:worker",), user_data="#cloud-config\n")
    return DropletsSpec(cluster=cluster, region="fra1", image="debian-13-x64", pools=(control_plane, pool))


def make(access: ApiAccess, wanted: DropletsSpec) -> Outcome:
    backend = DropletsBackend(access)
    return backend.apply(backend.plan(wanted))


def remove(access: ApiAccess, cluster: str) -> RemovalPlan:
    backend = RemovalBackend(access)
    plan = backend.plan(RemovalSpec(cluster=cluster))
    backend.apply(plan)
    return plan


def names_in(access: ApiAccess, cluster: str) -> list[str]:
    return [droplet.name for droplet in lookups.droplets_tagged(access.client(), f"flotilla:{cluster}")]


def test_cluster_is_made_found_again_and_removed_with_its_tags(access: ApiAccess, cluster_name: str) -> None:
    outcome = make(access, spec(cluster_name, 11))
    assert [action["action"] for action in outcome.actions] == ["create"] * 12
    assert all(droplet.is_ready for droplet in outcome.droplets)

    tag = f"flotilla:{cluster_name}:ready"
    ids = [droplet.id for droplet in outcome.droplets]
    tags = TagsBackend(access)
    tags.apply(tags.plan(TagSpec(names=[tag], droplet_ids=ids, present=True)))
    assert tags.plan(TagSpec(names=[tag], droplet_ids=ids, present=True)).changed is False

    before = access.counter.count
    again = make(access, spec(cluster_name, 11))
    assert {action["action"] for action in again.actions} == {"unchanged"}
    assert access.counter.count - before == 1

    plan = remove(access, cluster_name)
    assert len(plan.doomed) == 12
    assert plan.kept == ()
    assert names_in(access, cluster_name) == []
    left = [tag["name"] for tag in access.client().list_all("tags", "tags") if cluster_name in tag["name"]]
    assert left == []
    assert remove(access, cluster_name).changed is False


LOST = [
    pytest.param(Answer(drop=True), id="connection-reset"),
    pytest.param(Answer(504, b"<html>Gateway time-out</html>"), id="gateway-time-out"),
    pytest.param(Answer(202, b'{"droplets": [{'), id="answer-cut-short"),
]


@pytest.mark.parametrize("answer", LOST)
def test_create_whose_answer_is_lost_makes_no_second_droplet(
    spoiled_access: ApiAccess, faulty_api: FaultyApi, cluster_name: str, answer: Answer
) -> None:
    faulty_api.spoil("POST", "/v2/droplets", answer, after_effect=True)
    outcome = make(spoiled_access, spec(cluster_name, 2))
    assert len(outcome.droplets) == 3
    assert len(names_in(spoiled_access, cluster_name)) == 3
    remove(spoiled_access, cluster_name)


def test_run_goes_on_through_rate_limits_and_server_errors(
    spoiled_access: ApiAccess, faulty_api: FaultyApi, cluster_name: str
) -> None:
    faulty_api.spoil(
        "POST", "/v2/droplets", error(429, "too_many_requests", "Slow.", retry_after="1"), after_effect=False
    )
    for answer in (Answer(500, b""), Answer(502, b"<html>"), Answer(drop=True), Answer(200, b'{"dro')):
        faulty_api.spoil("GET", "/v2/droplets", answer, after_effect=True)
    faulty_api.spoil("DELETE", "/v2/droplets/[0-9]+", Answer(drop=True), after_effect=True)
    assert len(make(spoiled_access, spec(cluster_name, 1)).droplets) == 2
    remove(spoiled_access, cluster_name)
    assert faulty_api.faults == []


KILLED = """
import sys
from tests.integration.test_api_backends_on_paper import make, spec
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess
make(ApiAccess(token=sys.argv[1], end_point=sys.argv[2]), spec(sys.argv[3], 4))
"""


def test_run_that_is_killed_after_its_creates_is_finished_by_the_next(
    access: ApiAccess, slow_cloud: Cloud, cluster_name: str
) -> None:
    connection = slow_cloud.connection
    words = [sys.executable, "-c", KILLED, connection["token"], connection["api_url"], cluster_name]
    path = f"{REPOSITORY}:{REPOSITORY / 'collections'}"
    with subprocess.Popen(words, env=slow_cloud.environment | {"PYTHONPATH": path}) as killed:
        while not names_in(access, cluster_name) and killed.poll() is None:
            pass
        killed.send_signal(signal.SIGKILL)
    outcome = make(access, spec(cluster_name, 4))
    assert "adopt" in {action["action"] for action in outcome.actions}
    names = names_in(access, cluster_name)
    assert len(names) == len(set(names)) == 5
    remove(access, cluster_name)


def test_doubled_name_is_reported_with_both_ids_and_nothing_is_picked(access: ApiAccess, cluster_name: str) -> None:
    client = access.client()
    body = {"region": "fra1", "size": "s-2vcpu-2gb", "image": "debian-13-x64", "tags": [f"flotilla:{cluster_name}"]}
    ids = [client.post("droplets", body | {"name": f"{cluster_name}-worker-1"})["droplet"]["id"] for _ in range(2)]
    with pytest.raises(ConflictError, match=f"{cluster_name}-worker-1") as caught:
        DropletsBackend(access).plan(spec(cluster_name, 1))
    assert all(str(droplet_id) in str(caught.value) for droplet_id in ids)
    remove(access, cluster_name)


def test_limit_reached_halfway_is_told_and_finished_once_there_is_room(
    start_cloud: StartCloud, cluster_name: str
) -> None:
    cloud = start_cloud("--droplet-limit", "12")
    access = ApiAccess(token=cloud.connection["token"], end_point=cloud.connection["api_url"])
    plan = DropletsBackend(access).plan(spec(cluster_name, 11))
    make(access, spec("other", 0))
    with pytest.raises(LimitReachedError, match="droplet limit.*were created by this run and are kept"):
        DropletsBackend(access).apply(plan)
    remove(access, "other")
    assert len(make(access, spec(cluster_name, 11)).droplets) == 12


def test_revoked_token_is_said_plainly(access: ApiAccess) -> None:
    with pytest.raises(UnauthorizedError, match="does not accept the token"):
        lookups.account(replace(access, token="dop_v1_revoked").client())


def test_a_thousand_droplets_are_a_hundred_creates_and_little_more(access: ApiAccess, cluster_name: str) -> None:
    outcome = make(access, spec(cluster_name, 999))
    assert len(outcome.droplets) == 1000
    # 101 creates, some look-ups, and polls of five pages each.
    assert access.counter.count < 200
    access.client().delete(f"droplets?tag_name=flotilla:{cluster_name}")


INVENTORY = """
plugin: flotilla.coreos.droplets
api_url: "{{{{ (lookup('ansible.builtin.file', '{path}') | from_json).api_url }}}}"
api_token: "{{{{ (lookup('ansible.builtin.file', '{path}') | from_json).token }}}}"
cluster_name: {cluster}
keyed_groups:
  - key: flotilla_region
    prefix: region
"""


def test_modules_and_inventory_through_the_life_of_a_cluster(
    slow_cloud: Cloud, cluster_name: str, tmp_path: Path
) -> None:
    source = tmp_path / "demo.droplets.yml"
    connection = slow_cloud.home / slow_cloud.name / "connection.json"
    source.write_text(INVENTORY.format(path=connection, cluster=cluster_name), encoding="utf-8")
    variables = json.dumps({"cluster": cluster_name, "connection": slow_cloud.connection})
    words = [str(BIN / "ansible-playbook"), "-i", str(source), "tests/integration/lifecycle.yml", "-e", variables]
    run = execute(words, slow_cloud.environment, 300)
    assert run.status == 0
    assert "never to be shown" not in run.output
    assert slow_cloud.connection["token"] not in run.output
