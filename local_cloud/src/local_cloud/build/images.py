# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_cloud.build.oci import Image, ImageConfig, LayerWriter, make_image, write_layer
from local_cloud.build.step import Work
from local_cloud.build.versions import PAUSE, dashboard_version, module_version

__all__ = ["IMAGE_NEEDS", "ImageSpec", "image_specs", "make"]

IMAGE_NEEDS = ("kubernetes", "pause", "droplet-base", "kube-proxy-root", "dashboard-root")

_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_USERS = {"root": 0, "nonroot": 65532, "nobody": 65534, "pause": 65535}
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
# What a running program does not read.
_LEFT_OUT = (
    "dev", "etc/apt", "tmp", "usr/share/bash-completion", "usr/share/bug", "usr/share/debconf", "usr/share/lintian",
    "usr/share/perl5", "var/cache", "var/lib/apt", "var/lib/dpkg", "var/log",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """An image: the tree below it (a step with rootfs/, or none but users and authorities), a program, a start.

    `program` is (step, path in its result), `place` where the image has it.
    """

    repository: str
    tag: str
    config: ImageConfig
    tree: str | None = None
    program: tuple[str, str] | None = None
    place: str = ""
    binds_low_ports: bool = False


def image_specs() -> tuple[ImageSpec, ...]:
    """All images of the registry, named without the host of the registry that upstream has them in."""
    kubernetes = f"v{module_version('kubernetes')}"
    return (
        *(_kube(name, kubernetes) for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")),
        _kube("kube-proxy", kubernetes, tree="kube-proxy-root"),
        _single("pause", PAUSE, step="pause", path="pause", user="65535:65535"),
        _single(
            "coredns/coredns", f"v{module_version('coredns')}", path="bin/coredns", user="65532:65532",
            binds_low_ports=True,
        ),
        _single(
            "metrics-server/metrics-server", f"v{module_version('metrics-server')}", path="bin/metrics-server",
            user="65534",
        ),
        ImageSpec(
            repository="hjacobs/kube-web-view",
            tag=dashboard_version(),
            tree="dashboard-root",
            config=ImageConfig(entrypoint=("/usr/bin/python3.11", "-m", "kube_web"), user="1000", env=_PATH),
        ),
    )  # fmt: skip


def _kube(name: str, tag: str, *, tree: str | None = None) -> ImageSpec:
    place = f"usr/local/bin/{name}"
    return ImageSpec(
        repository=name,
        tag=tag,
        tree=tree,
        program=("kubernetes", f"bin/{name}"),
        place=place,
        config=ImageConfig(entrypoint=(f"/{place}",), env=_PATH),
    )


def _single(
    repository: str, tag: str, *, path: str, user: str, step: str = "kubernetes", binds_low_ports: bool = False
) -> ImageSpec:
    """An image of one program at the root, as upstream's distroless ones are."""
    place = path.rsplit("/", 1)[-1]
    return ImageSpec(
        repository=repository,
        tag=tag,
        program=(step, path),
        place=place,
        binds_low_ports=binds_low_ports,
        config=ImageConfig(entrypoint=(f"/{place}",), user=user, env=_PATH),
    )


@contextmanager
def make(spec: ImageSpec, folder: Path, work: Work) -> Iterator[Image]:
    """The image, with its blobs as files in `folder` until the block ends."""
    layers = [write_layer(folder / "base.tar", lambda layer: _add_base(layer, spec, work))]
    if spec.program:
        layers.append(write_layer(folder / "program.tar", lambda layer: _add_program(layer, spec, work)))
    image = make_image(spec.config, layers, folder)
    try:
        yield image
    finally:
        for blob in image.blobs:
            blob.path.unlink()


def _add_base(layer: LayerWriter, spec: ImageSpec, work: Work) -> None:
    if spec.tree:
        layer.add_tree(work.result(spec.tree) / "rootfs", left_out=(*_LEFT_OUT, _CERTIFICATES, "etc/passwd"))
    layer.add_text("".join(f"{name}:x:{uid}:{uid}::/:/sbin/nologin\n" for name, uid in _USERS.items()), "etc/passwd")
    layer.add_text("".join(f"{name}:x:{uid}:\n" for name, uid in _USERS.items()), "etc/group")
    layer.add_file(work.result("droplet-base") / "rootfs" / _CERTIFICATES, _CERTIFICATES, mode=0o644)
    layer.add_folder("tmp", mode=0o1777)


def _add_program(layer: LayerWriter, spec: ImageSpec, work: Work) -> None:
    assert spec.program is not None
    step, path = spec.program
    layer.add_file(work.result(step) / path, spec.place, mode=0o755, binds_low_ports=spec.binds_low_ports)
