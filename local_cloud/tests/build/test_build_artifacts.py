# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from pathlib import Path

import pytest

from local_cloud import build
from local_cloud.build import NotBuiltError, artifacts
from local_cloud.build.recipe import recipe
from local_cloud.build.step import step_keys
from local_cloud.build.versions import versions


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A cache that holds a result of every step of the present recipe."""
    for name, key in step_keys(recipe()).items():
        (tmp_path / name / key).mkdir(parents=True)
    return tmp_path


def test_every_result_has_its_place_and_version(filled: Path) -> None:
    found = artifacts(filled)
    keys = step_keys(recipe())
    assert found.image == filled / "image" / keys["image"] / "rootfs"
    assert found.services == filled / "services" / keys["services"] / "rootfs"
    assert found.mirror == filled / "mirror" / keys["mirror"]
    assert found.registry == filled / "registry" / keys["registry"]
    assert found.versions["kubernetes"].startswith("1.")
    assert found.versions == versions()


def test_empty_cache_names_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotBuiltError, match=r"lacks kubernetes, .*registry\. Run `local-cloud build` first"):
        artifacts(tmp_path)


def test_result_of_another_recipe_does_not_count(filled: Path) -> None:
    key = step_keys(recipe())["image"]
    (filled / "image" / key).rename(filled / "image" / ("0" * 32))
    with pytest.raises(NotBuiltError, match="lacks image. Run"):
        artifacts(filled)


def test_cached_build_returns_at_once_and_says_nothing(filled: Path) -> None:
    said: list[str] = []
    started_s = time.monotonic()
    assert build.run(filled, said.append) == artifacts(filled)
    assert time.monotonic() - started_s < 1
    assert said == []


def test_every_step_stands_behind_those_it_needs() -> None:
    seen: set[str] = set()
    for step in recipe():
        assert seen.issuperset(step.needs)
        seen.add(step.name)


def test_a_whole_build_asks_for_fifteen_gib() -> None:
    assert sum(step.disk_gib for step in recipe()) == pytest.approx(15, abs=1)
