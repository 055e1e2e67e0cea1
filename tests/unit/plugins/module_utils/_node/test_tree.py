# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._node.archive import File
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.tree import differing, read_tree, write_tree
from tests.unit.node_fakes import FolderTransport, ScriptedTransport, connect, done


@pytest.fixture
def node(tmp_path):
    return connect("demo-worker-1", FolderTransport(tmp_path))


def below(tmp_path, name, content="x", mode=0o644):
    """A file with its path as on the node: the scripts see the whole file system, so it lies in the test's folder."""
    return File(path=str(tmp_path / name).lstrip("/"), content=content.encode(), mode=mode)


def test_written_files_are_read_back_and_do_not_differ(node, tmp_path):
    files = [below(tmp_path, "etc/a b.conf", "one"), below(tmp_path, "opt/run", "two", 0o755)]
    write_tree(node, files)
    assert (tmp_path / "opt/run").stat().st_mode & 0o777 == 0o755
    assert differing(files, read_tree(node, [file.path for file in files])) == []


def test_missing_changed_and_remoded_files_differ(node, tmp_path):
    write_tree(node, [below(tmp_path, "same"), below(tmp_path, "content", "old"), below(tmp_path, "mode")])
    wanted = [
        below(tmp_path, "same"),
        below(tmp_path, "content", "new"),
        below(tmp_path, "mode", mode=0o755),
        below(tmp_path, "missing"),
    ]
    assert differing(wanted, read_tree(node, [file.path for file in wanted])) == wanted[1:]


def test_nothing_on_the_node_is_no_fault(node, tmp_path):
    assert read_tree(node, [str(tmp_path / "none").lstrip("/")]) == {}


def test_write_leaves_no_litter(node, tmp_path):
    write_tree(node, [below(tmp_path, "etc/file")])
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"file"}
    assert list((tmp_path / "var/lib/flotilla").iterdir()) == []


def test_noise_instead_of_files_names_the_node():
    connection = connect("demo-worker-1", ScriptedTransport(lambda _command, _stdin: done("motd")))
    with pytest.raises(NodeError, match="demo-worker-1: its files cannot be read"):
        read_tree(connection, ["etc/motd"])
