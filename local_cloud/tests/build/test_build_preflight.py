# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import pytest

from local_cloud.build.errors import PreflightError
from local_cloud.build.preflight import check_disk, check_machine, ensure_packages


def no_out(text: str) -> None:
    """Messages are of no interest here."""


def test_too_little_disk_names_folder_free_and_needed_space(tmp_path: Path) -> None:
    cache = tmp_path / "not" / "there" / "yet"
    check_disk(cache, 0)
    with pytest.raises(PreflightError, match=rf"{tmp_path} has [0-9.]+ GiB free, but the build needs 1000000\.0 GiB"):
        check_disk(cache, 1e6)


def test_build_without_root_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PreflightError, match="only root can: run it as root, or with sudo"):
        check_machine(no_out, tmp_path / "log")


def test_other_processors_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(PreflightError, match="x86_64 and runs them; this machine is aarch64"):
        check_machine(no_out, tmp_path / "log")


def test_missing_go_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(PreflightError, match="no `go` on PATH"):
        check_machine(no_out, tmp_path / "log")


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    said: list[str] = []
    ensure_packages({str(tmp_path): "some-package"}, said.append, tmp_path / "log")
    assert said == []


def test_missing_packages_are_named_where_there_is_no_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreflightError, match="lacks one two, and has no apt-get"):
        ensure_packages({"/none/2": "two", "/none/1": "one", "/none/3": "one"}, no_out, tmp_path / "log")


def test_failed_installation_names_packages_and_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "apt-get"
    program.write_text("#!/bin/sh\necho no network\nexit 100\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    said: list[str] = []
    with pytest.raises(PreflightError, match=r"(?s)packages one are needed .*status 100.*no network"):
        ensure_packages({"/none": "one"}, said.append, tmp_path / "log")
    assert said == ["Installing Debian packages: one"]
