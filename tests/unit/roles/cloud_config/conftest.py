# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node tree, rendered as Ansible would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.flotilla.coreos.plugins.lookup.tree import LookupModule

CHECKOUT = Path(__file__).resolve().parents[4]
TREE = CHECKOUT / "roles/cloud_config/templates/tree"
Files = dict[str, dict[str, str]]

ARTIFACTS: list[dict[str, Any]] = [
    {
        "name": "etcd",
        "urls": ["http://mirror.test/etcd.tar.gz", "https://upstream.test/etcd.tar.gz"],
        "sha256": "a" * 64,
        "dest": "/opt/bin",
        "members": ["etcd", "etcdctl"],
        "size_bytes": 1000,
    },
    {
        "name": "kubelet",
        "urls": ["https://upstream.test/kubelet"],
        "sha256": "b" * 64,
        "dest": "/opt/bin/kubelet",
        "size_bytes": None,
    },
]


def render_role(role: str, **overrides: Any) -> Files:
    """Return path -> file of a node of this role."""
    loader = DataLoader()
    defaults = loader.load_from_file(str(CHECKOUT / "roles/cluster/defaults/main.yml"), trusted_as_template=True)
    variables = defaults | {
        "node_role": role,
        "node_pool": role,
        "discovery_token_url": "http://discovery.test/0123456789abcdef0123456789abcdef",
        "artifacts": ARTIFACTS,
        **overrides,
    }
    lookup = LookupModule(loader=loader, templar=Templar(loader=loader, variables=variables))
    return {file["path"]: file for file in lookup.run(["common", role], root=str(TREE))}


@pytest.fixture(scope="session")
def render() -> Callable[..., Files]:
    """Return the function that renders the tree of a role: path -> file."""
    return render_role


@pytest.fixture(scope="session")
def declared_artifacts() -> list[dict[str, Any]]:
    """Return the artifacts that the rendered trees declare."""
    return ARTIFACTS
