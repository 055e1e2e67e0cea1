# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.build import stale


def test_old_results_go_unless_something_still_stands_on_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used, unused = tmp_path / "image" / "used", tmp_path / "image" / "unused"
    for path in (used, unused):
        path.mkdir(parents=True)

    def roots_and_mounts() -> Iterator[str]:
        yield f"36 35 0:30 / / rw - overlay overlay rw,lowerdir={used}/rootfs,upperdir=/x,workdir=/y"

    monkeypatch.setattr(stale, "_roots_and_mounts", roots_and_mounts)
    assert stale.remove_unused([used, unused]) == [unused]
    assert used.exists()
    assert not unused.exists()


def test_root_and_mounts_of_this_process_are_seen() -> None:
    seen = list(stale._roots_and_mounts())
    assert "/" in seen
    assert any(" / / " in text for text in seen)
