# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
import sys
from pathlib import Path

from local_cloud.build.debian import DebianTree
from local_cloud.build.errors import PreflightError
from local_cloud.build.keys import tree_digest
from local_cloud.build.step import Step, Work
from local_cloud.build.versions import DASHBOARD_REQUIREMENTS

__all__ = ["dashboard_root_step"]

_SITE = "usr/local/lib/python3.11/dist-packages"
_TREE = DebianTree(
    name="dashboard-root",
    suite="bookworm",  # The last with Python 3.11, for which the requirements name the wheels.
    variant="extract",
    packages=("libpython3.11-stdlib", "python3.11", "python3.11-minimal", "tzdata"),
)


def dashboard_root_step() -> Step:
    """kube-web-view from PyPI on Debian's Python."""
    return _TREE.step(_install, inputs=(tree_digest(DASHBOARD_REQUIREMENTS),))


def _install(root: Path, work: Work) -> None:
    work.note("installing kube-web-view from PyPI")
    site = root / _SITE
    work.run(
        _python311(), "-m", "pip", "install", "--no-input", "--no-compile", "--no-deps", "--require-hashes",
        "--root-user-action=ignore", "--target", site, "--requirement", DASHBOARD_REQUIREMENTS,
    )  # fmt: skip
    shutil.rmtree(site / "bin", ignore_errors=True)
    work.note("compiling Python modules")
    # By hash and unchecked: modules in a layer have no time, and the container cannot write any.
    compiler = ("python3.11", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    work.run("chroot", root, *compiler, "/usr/lib/python3.11", f"/{_SITE}", sandbox=True)


def _python311() -> str:
    """A Python whose pip picks the wheels that the image's Python can load."""
    found = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if found is None:
        raise PreflightError(
            "The dashboard's image needs a Python 3.11 with pip on this machine; there is none on PATH."
        )
    return found
