# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._node import output
from ansible_collections.flotilla.coreos.plugins.module_utils._node.output import open_output_folder, write_private


def test_folder_is_made_where_it_is_wanted(tmp_path):
    folder = open_output_folder(str(tmp_path / ".state"), "demo")
    assert folder.path == tmp_path / ".state" / "demo"
    assert folder.path.is_dir()
    assert folder.note == ""


def test_folder_that_cannot_be_made_is_replaced_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(output.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "file").write_text("")
    folder = open_output_folder(str(tmp_path / "file"), "demo")
    assert folder.path.is_dir()
    assert folder.note == f"{tmp_path}/file/demo cannot be written (Not a directory): files go to {folder.path}"


def test_replacement_is_the_same_in_every_stage_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(output.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "file").write_text("")
    first, second = (open_output_folder(str(tmp_path / "file"), "demo").path for _ in range(2))
    assert first == second


def test_private_file_is_replaced_with_its_mode(tmp_path):
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "kubeconfig"
    path.write_text("old")

    def full(*_arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(output.Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(path, "new")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])
