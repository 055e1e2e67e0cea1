# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from local_cloud.build.keys import content_key, tree_digest


def test_key_changes_when_text_moves_between_parts() -> None:
    assert content_key("ab", "c") == content_key("ab", "c")
    assert content_key("ab", "c") != content_key("a", "bc")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc/motd").write_text("hello")
    (root / "link").symlink_to("etc/motd")
    return root


def test_tree_digest_ignores_times_and_compiled_modules(tree: Path) -> None:
    before = tree_digest(tree)
    os.utime(tree / "etc/motd", (1, 1))
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__/x.pyc").write_text("x")
    assert tree_digest(tree) == before


def test_tree_digest_sees_content_name_link_and_executable_bit(tree: Path) -> None:
    digests = [tree_digest(tree)]
    (tree / "etc/motd").write_text("hello again")
    digests.append(tree_digest(tree))
    (tree / "etc/motd").chmod(0o755)
    digests.append(tree_digest(tree))
    (tree / "etc/motd").rename(tree / "etc/issue")
    digests.append(tree_digest(tree))
    (tree / "link").unlink()
    (tree / "link").symlink_to("etc/issue")
    digests.append(tree_digest(tree))
    assert len(set(digests)) == len(digests)
