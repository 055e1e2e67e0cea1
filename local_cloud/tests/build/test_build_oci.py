# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from local_cloud.build.oci import Blob, ImageConfig, LayerWriter, make_image, write_layer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "var/cache").mkdir(parents=True)
    (root / "var/cache/big").write_text("x")
    (root / "usr/bin/tool").write_text("#!/bin/sh\n")
    (root / "usr/bin/tool").chmod(0o755)
    (root / "bin").symlink_to("usr/bin")
    return root


def layer_of(root: Path, path: Path) -> Blob:
    return write_layer(path, lambda layer: layer.add_tree(root, left_out=("var/cache",)))


def test_equal_trees_give_equal_layers_whatever_their_times(root: Path, tmp_path: Path) -> None:
    first = layer_of(root, tmp_path / "first.tar")
    os.utime(root / "usr/bin/tool", (1, 1))
    second = layer_of(root, tmp_path / "second.tar")
    assert first.digest == second.digest
    assert first.digest == f"sha256:{hashlib.sha256(first.path.read_bytes()).hexdigest()}"


def test_layer_has_the_tree_but_what_is_left_out(root: Path, tmp_path: Path) -> None:
    with tarfile.open(layer_of(root, tmp_path / "layer.tar").path) as layer:
        entries = {entry.name: entry for entry in layer}
    assert sorted(entries) == ["bin", "usr", "usr/bin", "usr/bin/tool", "var"]
    assert entries["bin"].linkname == "usr/bin"
    tool = entries["usr/bin/tool"]
    assert (tool.mode, tool.uid, tool.gid, tool.mtime, tool.uname) == (0o755, 0, 0, 0, "")


def test_program_that_binds_low_ports_carries_the_capability(root: Path, tmp_path: Path) -> None:
    def fill(layer: LayerWriter) -> None:
        layer.add_file(root / "usr/bin/tool", "tool", mode=0o755, binds_low_ports=True)

    with tarfile.open(write_layer(tmp_path / "layer.tar", fill).path) as layer:
        value = layer.getmember("tool").pax_headers["SCHILY.xattr.security.capability"].encode()
    # As `setcap cap_net_bind_service=+ep` writes it.
    assert value.hex() == "0100000200040000000000000000000000000000"


def test_image_names_its_layers_and_its_configuration(root: Path, tmp_path: Path) -> None:
    layer = layer_of(root, tmp_path / "layer.tar")
    config = ImageConfig(entrypoint=("/tool",), user="65532:65532", env={"PATH": "/bin"})
    image = make_image(config, [layer], tmp_path)
    manifest = json.loads(image.manifest)
    described = image.blobs[-1]
    assert manifest["layers"] == [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer.digest, "size": layer.size}
    ]
    assert manifest["config"]["digest"] == described.digest
    content = json.loads(described.path.read_bytes())
    assert content["rootfs"]["diff_ids"] == [layer.digest]
    assert content["config"] == {
        "User": "65532:65532", "Env": ["PATH=/bin"], "Entrypoint": ["/tool"], "WorkingDir": "/",
    }  # fmt: skip
    assert image == make_image(config, [layer], tmp_path)
