# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

from local_cloud.build.droplet import lay_over


def test_overlay_replaces_files_and_keeps_only_the_executable_bit(tmp_path: Path) -> None:
    overlay, root = tmp_path / "overlay", tmp_path / "root"
    (overlay / "etc/new").mkdir(parents=True)
    (overlay / "etc/new/conf").write_text("ours")
    (overlay / "etc/new/conf").chmod(0o600)
    (overlay / "etc/tool").write_text("#!/bin/sh\n")
    (overlay / "etc/tool").chmod(0o700)
    (overlay / "etc/link").symlink_to("tool")
    (overlay / "etc").chmod(0o700)
    (root / "etc").mkdir(parents=True)
    (root / "etc/link").write_text("theirs")
    lay_over(overlay, root)
    assert (root / "etc/new/conf").read_text() == "ours"
    assert (root / "etc/new/conf").stat().st_mode & 0o777 == 0o644
    assert (root / "etc/tool").stat().st_mode & 0o777 == 0o755
    assert (root / "etc/link").is_symlink()
    assert (root / "etc").stat().st_mode & 0o777 == 0o755
