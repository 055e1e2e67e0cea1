"""A local cloud and a cluster of this test session's own: own names, folders, ports and namespaces."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.operate import Cloud, Cluster


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud with real machines, gone at the end whatever happens."""
    running = Cloud(name=f"t{secrets.token_hex(3)}", home=tmp_path_factory.mktemp("clouds"))
    started = running.command("start", "--name", running.name, "--delays", "none")
    assert started.status == 0, started.output
    try:
        yield running
    finally:
        running.command("stop", "--name", running.name, "--purge")


@pytest.fixture(scope="session")
def cluster(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster that the tests share: one control plane, two workers, made by site.yml."""
    made = Cluster(cloud=cloud, name="demo", output_dir=tmp_path_factory.mktemp("state"))
    run = made.playbook("site.yml")
    if run.status != 0:
        for name in made.droplets():
            made.ssh(name, "systemctl --no-pager --failed; systemctl list-jobs; journalctl -b --no-pager -n 150")
    assert run.status == 0, f"site.yml ended with {run.status}, see its output above"
    return made
