# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local_cloud import host

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["build"]

_NEEDED_GIB = 15


def build(cache: Path) -> int:
    """Make whatever is not built yet."""
    from local_cloud import build as recipe
    from local_cloud.build.errors import NotBuiltError

    host.check_root("local-cloud build")
    try:
        built = recipe.artifacts(cache)
    except NotBuiltError:
        host.check_disk(cache, _NEEDED_GIB, "a build")
        started_s = time.monotonic()
        built = recipe.run(cache, lambda line: print(line, flush=True))
        print(f"built in {time.monotonic() - started_s:.0f} s")
    print(f"image and artifacts are in {cache}")
    for name, version in built.versions.items():
        print(f"  {name} {version}")
    return 0
