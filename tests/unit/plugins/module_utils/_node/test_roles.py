# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._node import roles
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeCommandError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.roles import label_roles
from tests.unit.node_fakes import FolderTransport, connect


@pytest.fixture
def node(tmp_path, monkeypatch):
    """A control plane whose kubectl knows a node once the file of its name is there."""
    tools = tmp_path / "opt/flotilla/bin"
    tools.mkdir(parents=True)
    programs = {
        tools / "node-roles": f"touch {tmp_path}/labelled",
        tmp_path / "kubectl": f"for name in w1 w2; do [ -e {tmp_path}/$name ] || {{ echo no $name; exit 1; }}; done",
    }
    for path, body in programs.items():
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
    script = roles._SCRIPT.replace("/opt/bin/kubectl", str(tmp_path / "kubectl"))
    monkeypatch.setattr(roles, "_SCRIPT", script)
    return connect("demo-control-plane-1", FolderTransport(tmp_path))


def test_registered_nodes_are_labelled(node, tmp_path):
    for name in ("w1", "w2"):
        (tmp_path / name).touch()
    label_roles(node, ["w1", "w2"])
    assert (tmp_path / "labelled").exists()


def test_node_that_never_registers_is_named(node, tmp_path, monkeypatch):
    monkeypatch.setattr(roles, "_REGISTER_WAIT_S", 0)
    (tmp_path / "w1").touch()
    with pytest.raises(NodeCommandError, match="could not label w1, w2 by role: exit status 1, no w2"):
        label_roles(node, ["w1", "w2"])
    assert not (tmp_path / "labelled").exists()
