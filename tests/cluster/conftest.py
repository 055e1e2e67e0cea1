"""A local cloud and a cluster of this test session's own: own names, folders, ports and namespaces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.operate import Cloud, Cluster, running_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud with real machines, gone at the end whatever happens."""
    with running_cloud(tmp_path_factory.mktemp("clouds"), "--delays", "none") as cloud:
        yield cloud


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
