# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["MANIFEST_TYPE", "Blob", "Image", "ImageConfig", "LayerWriter", "make_image", "write_layer"]

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_EPOCH = "1970-01-01T00:00:00Z"
# struct vfs_cap_data of capabilities(7): revision 2, effective, CAP_NET_BIND_SERVICE (10) permitted, none inheritable.
_MAY_BIND_LOW_PORTS = b"".join(word.to_bytes(4, "little") for word in (0x02000001, 1 << 10, 0, 0, 0)).decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes in a file, as an OCI descriptor names them."""

    path: Path
    media_type: str
    digest: str
    size: int

    @classmethod
    def of(cls, path: Path, media_type: str) -> Blob:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        return cls(path=path, media_type=media_type, digest=f"sha256:{digest}", size=path.stat().st_size)

    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """How a container of the image starts."""

    entrypoint: tuple[str, ...]
    user: str = "0"
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A whole image: the manifest and the blobs that it names."""

    manifest: bytes
    blobs: tuple[Blob, ...]


class LayerWriter:
    """Adds entries to a layer: owned by root, without times, so equal content gives equal bytes."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def add_file(self, source: Path, path: str, *, mode: int, binds_low_ports: bool = False) -> None:
        """Add a file; a program that `binds_low_ports` may do so whoever runs it."""
        entry = _entry(path, tarfile.REGTYPE, mode)
        entry.size = source.stat().st_size
        if binds_low_ports:
            entry.pax_headers = {"SCHILY.xattr.security.capability": _MAY_BIND_LOW_PORTS}
        with source.open("rb") as content:
            self._archive.addfile(entry, content)

    def add_text(self, text: str, path: str) -> None:
        entry = _entry(path, tarfile.REGTYPE, 0o644)
        entry.size = len(text.encode())
        self._archive.addfile(entry, io.BytesIO(text.encode()))

    def add_folder(self, path: str, *, mode: int = 0o755) -> None:
        self._archive.addfile(_entry(path, tarfile.DIRTYPE, mode))

    def add_tree(self, root: Path, *, left_out: Sequence[str] = ()) -> None:
        """Add all below `root` but the paths in `left_out`; devices and sockets are not files of an image."""
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if not any(name == other or name.startswith(f"{other}/") for other in left_out):
                self._add_found(path, name)

    def _add_found(self, path: Path, name: str) -> None:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            entry = _entry(name, tarfile.SYMTYPE, 0o777)
            entry.linkname = str(path.readlink())
            self._archive.addfile(entry)
        elif stat.S_ISDIR(mode):
            self.add_folder(name, mode=stat.S_IMODE(mode))
        elif stat.S_ISREG(mode):
            self.add_file(path, name, mode=stat.S_IMODE(mode))


def write_layer(path: Path, fill: Callable[[LayerWriter], None]) -> Blob:
    """Write what `fill` adds as an uncompressed layer, which is cheap to unpack on a small machine."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        fill(LayerWriter(archive))
    return Blob.of(path, LAYER_TYPE)


def make_image(config: ImageConfig, layers: Sequence[Blob], folder: Path) -> Image:
    """Describe the layers as one image; its configuration is written into `folder`."""
    content = _json(
        {
            "created": _EPOCH,
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "User": config.user,
                "Env": [f"{name}={value}" for name, value in config.env.items()],
                "Entrypoint": list(config.entrypoint),
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }
    )
    path = folder / f"{hashlib.sha256(content).hexdigest()}.json"
    path.write_bytes(content)
    described = Blob.of(path, CONFIG_TYPE)
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described.descriptor(),
            "layers": [layer.descriptor() for layer in layers],
        }
    )
    return Image(manifest=manifest, blobs=(*layers, described))


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.type = kind
    entry.mode = mode
    return entry


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
