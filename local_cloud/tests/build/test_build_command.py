# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from local_cloud.build.command import Commands
from local_cloud.build.errors import CommandError


def test_failure_names_status_log_and_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(CommandError) as raised:
        Commands().run(["sh", "-c", "seq 100; echo oops >&2; exit 3"], log=log)
    text = str(raised.value)
    assert "status 3" in text
    assert str(log) in text
    assert text.endswith("oops")
    assert "\n    80\n" not in text


def test_failure_leaves_out_lines_that_only_tell_progress(tmp_path: Path) -> None:
    script = "echo the reason; seq 100; exit 1"
    with pytest.raises(CommandError, match="the reason$"):
        Commands().run(["sh", "-c", script], log=tmp_path / "log", on_line=str.isdigit)


def test_output_goes_to_the_log_and_to_the_listener(tmp_path: Path) -> None:
    lines: list[str] = []

    def see(line: str) -> bool:
        lines.append(line)
        return False

    Commands().run(["sh", "-c", 'echo "$GREETING"'], log=tmp_path / "log", env={"GREETING": "hi"}, on_line=see)
    assert lines == ["hi"]
    assert (tmp_path / "log").read_text().endswith("\nhi\n")


def test_stop_ends_a_command_with_its_children_and_refuses_new_ones(tmp_path: Path) -> None:
    commands = Commands()
    pids: list[int] = []
    errors: list[CommandError] = []
    started = threading.Event()

    def see(line: str) -> bool:
        pids.append(int(line))
        started.set()
        return True

    def run() -> None:
        try:
            commands.run(["sh", "-c", "sleep 600 & echo $!; wait"], log=tmp_path / "log", on_line=see)
        except CommandError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    commands.stop()
    thread.join(10)
    assert len(errors) == 1
    assert not _is_running(pids[0])
    with pytest.raises(CommandError, match="the build is stopping"):
        commands.run(["true"], log=tmp_path / "log")


def _is_running(pid: int) -> bool:
    """A zombie has ended, though the machine's first process may not have noticed yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_sandbox_leaves_no_mount(tmp_path: Path) -> None:
    target = tmp_path / "mounted"
    target.mkdir()
    script = 'mount -t tmpfs none "$1" && touch "$1/inside" && ls "$1"'
    Commands().run(["sh", "-c", script, "sh", str(target)], log=tmp_path / "log", sandbox=True)
    assert "inside" in (tmp_path / "log").read_text()
    assert list(target.iterdir()) == []
