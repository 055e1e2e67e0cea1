# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`local-cloud build`: the droplet image, the services' root, the artifact mirror and the image registry."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local_cloud.build.errors import BuildError, NotBuiltError
from local_cloud.build.plan import make_missing
from local_cloud.build.preflight import check_disk, check_machine
from local_cloud.build.recipe import recipe
from local_cloud.build.stale import remove_unused
from local_cloud.build.step import step_keys
from local_cloud.build.store import Store
from local_cloud.build.versions import versions

__all__ = ["Artifacts", "BuildError", "NotBuiltError", "artifacts", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """What a cloud needs of the build; nothing of it may be written to.

    `image` and `services` are root file systems, `mirror` a folder to serve over HTTP, `registry` the storage of a
    docker-registry.
    """

    image: Path
    services: Path
    mirror: Path
    registry: Path
    versions: dict[str, str]

    @property
    def kubectl(self) -> Path:
        """The kubectl that the mirror serves, for whoever has none on this machine."""
        version = self.versions["kubernetes"]
        return self.mirror / "dl.k8s.io" / "release" / f"v{version}" / "bin" / "linux" / "amd64" / "kubectl"


def artifacts(cache: Path) -> Artifacts:
    """What the present recipe made. Raises NotBuiltError, which names the steps, if anything of it is missing."""
    store, keys = Store(cache), step_keys(recipe())
    missing = [name for name, key in keys.items() if not store.has(name, key)]
    if missing:
        raise NotBuiltError(f"{cache} lacks {', '.join(missing)}. Run `local-cloud build` first.")
    return Artifacts(
        image=store.result("image", keys["image"]) / "rootfs",
        services=store.result("services", keys["services"]) / "rootfs",
        mirror=store.result("mirror", keys["mirror"]),
        registry=store.result("registry", keys["registry"]),
        versions=versions(),
    )


def run(cache: Path, out: Callable[[str], None]) -> Artifacts:
    """Make what is missing, saying through `out` how far it is; at once if nothing is.

    Raises BuildError. Finished steps stay, so the next build goes on from there.
    """
    try:
        return artifacts(cache)
    except NotBuiltError:
        started_s = time.monotonic()
    store, steps = Store(cache), recipe()
    keys = step_keys(steps)
    with store.locked(out):
        missing = [step for step in steps if not store.has(step.name, keys[step.name])]
        check_machine(out, store.log("packages"))
        check_disk(cache, sum(step.disk_gib for step in missing))
        make_missing(steps, keys, store, out)
        for step in steps:
            remove_unused(store.leftovers(step.name, keys[step.name]))
    out(f"Built {len(missing)} of {len(steps)} steps in {time.monotonic() - started_s:.0f} s; all is in {cache}.")
    return artifacts(cache)
