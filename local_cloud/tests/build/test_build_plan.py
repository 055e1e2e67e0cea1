# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from local_cloud.build import plan
from local_cloud.build.errors import BuildError, CommandError
from local_cloud.build.plan import make_missing
from local_cloud.build.step import Step, Work, step_keys
from local_cloud.build.store import Store


def step(name: str, *, needs: tuple[str, ...] = (), make: Callable[[Path, Work], None] | None = None) -> Step:
    def write(folder: Path, work: Work) -> None:
        (folder / "text").write_text(name + "".join((work.result(need) / "text").read_text() for need in needs))

    return Step(name=name, make=make or write, inputs=(), needs=needs)


def build(steps: list[Step], cache: Path, out: Callable[[str], None] = lambda _: None) -> dict[str, str]:
    keys = step_keys(steps)
    make_missing(steps, keys, Store(cache), out)
    return keys


def test_step_reads_the_results_that_it_needs(tmp_path: Path) -> None:
    keys = build([step("a"), step("b"), step("c", needs=("a", "b"))], tmp_path)
    assert (tmp_path / "c" / keys["c"] / "text").read_text() == "cab"


def test_key_follows_the_inputs_of_what_is_needed() -> None:
    def keys(text: str) -> dict[str, str]:
        return step_keys([Step(name="a", make=_no_make, inputs=(text,)), step("b", needs=("a",)), step("c")])

    first, second = keys("1"), keys("2")
    assert [name for name in first if first[name] != second[name]] == ["a", "b"]


def _no_make(folder: Path, work: Work) -> None:
    """A step of which only the key matters."""


def test_build_goes_on_from_the_steps_that_were_finished(tmp_path: Path) -> None:
    made: list[str] = []
    broken = True

    def first(folder: Path, work: Work) -> None:
        made.append("a")

    def second(folder: Path, work: Work) -> None:
        made.append("b")
        if broken:
            raise BuildError("b broke")

    steps = [step("a", make=first), step("b", make=second, needs=("a",))]
    with pytest.raises(BuildError, match="b broke"):
        build(steps, tmp_path)
    broken = False
    build(steps, tmp_path)
    build(steps, tmp_path)
    assert made == ["a", "b", "b"]


def test_failing_step_ends_the_command_of_the_other(tmp_path: Path) -> None:
    started = threading.Event()
    errors: list[BaseException] = []

    def see(line: str) -> bool:
        started.set()
        return True

    def endless(folder: Path, work: Work) -> None:
        try:
            work.run("sh", "-c", "echo up; exec sleep 600", on_line=see)
        except CommandError as error:
            errors.append(error)
            raise

    def failing(folder: Path, work: Work) -> None:
        assert started.wait(10)
        raise BuildError("no good")

    with pytest.raises(BuildError, match="no good"):
        build([step("endless", make=endless), step("failing", make=failing)], tmp_path)
    assert "signal 9" in str(errors[0])


def test_progress_lines_say_what_a_long_step_is_doing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_HEARTBEAT_S", 0.01)
    said: list[str] = []
    seen = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        if text.endswith("half way"):
            seen.set()

    def slow(folder: Path, work: Work) -> None:
        work.note("half way")
        assert seen.wait(10)

    build([step("slow", make=slow)], tmp_path, say)
    assert said[0].split() == ["slow", "0", "s", "started"]
    assert said[-1].endswith("done")
