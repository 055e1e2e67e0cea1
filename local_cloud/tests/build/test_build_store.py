# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from local_cloud.build.store import Store


def test_result_counts_only_when_its_block_has_ended(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.filling("mirror", "k1") as folder:
        (folder / "file").write_text("x")
        assert not store.has("mirror", "k1")
    assert (store.result("mirror", "k1") / "file").read_text() == "x"


def test_next_attempt_starts_empty_after_an_interrupted_one(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def interrupted() -> None:
        with store.filling("mirror", "k1") as folder:
            (folder / "half").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not store.has("mirror", "k1")
    with store.filling("mirror", "k1") as folder:
        assert list(folder.iterdir()) == []


def test_leftovers_are_all_but_the_present_result(tmp_path: Path) -> None:
    for name in ("old", "old.partial", "now"):
        (tmp_path / "mirror" / name).mkdir(parents=True)
    assert [path.name for path in Store(tmp_path).leftovers("mirror", "now")] == ["old", "old.partial"]


def test_second_build_waits_and_says_who_is_at_work(tmp_path: Path) -> None:
    said: list[str] = []
    waiting, entered = threading.Event(), threading.Event()

    def say(text: str) -> None:
        said.append(text)
        waiting.set()

    def second() -> None:
        with Store(tmp_path).locked(say):
            entered.set()

    thread = threading.Thread(target=second)
    with Store(tmp_path).locked(said.append):
        thread.start()
        assert waiting.wait(10)
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()
    assert f"process {os.getpid()} since" in said[0]
    assert str(tmp_path) in said[0]
