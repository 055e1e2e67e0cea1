# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from local_cloud.build.mirror import mirror_files, mirror_step, pack
from local_cloud.build.step import Work

PROGRAMS = {
    "kubernetes": ("kubelet", "kubectl", "bridge", "host-local", "loopback", "portmap"),
    "etcd": ("etcd", "etcdctl", "etcdutl"),
    "flannel": ("flanneld",),
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for step, programs in PROGRAMS.items():
        folder = tmp_path / "results" / step / "bin"
        folder.mkdir(parents=True)
        for program in programs:
            (folder / program).write_text(program)
    return tmp_path / "results"


def make(work: Work, tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    mirror_step().make(folder, work)
    return folder


@pytest.mark.usefixtures("results")
def test_every_file_lies_at_its_upstream_path_with_its_checksum(work: Work, tmp_path: Path) -> None:
    mirror = make(work, tmp_path)
    files = [mirror / file.path for file in mirror_files()]
    assert [path.name.split("-")[0] for path in files] == ["kubectl", "kubelet", "etcd", "cni", "flanneld"]
    for path in files:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.with_name(f"{path.name}.sha256").read_text().split()[0] == sha256


@pytest.mark.usefixtures("results")
def test_archives_have_the_publishers_layout_and_checksum_file(work: Work, tmp_path: Path) -> None:
    mirror = make(work, tmp_path)
    (etcd,) = mirror.glob("github.com/etcd-io/etcd/releases/download/v*/etcd-v*-linux-amd64.tar.gz")
    (cni,) = mirror.glob("github.com/containernetworking/plugins/releases/download/v*/cni-plugins-linux-amd64-v*.tgz")
    folder = etcd.name.removesuffix(".tar.gz")
    with tarfile.open(etcd) as archive:
        assert archive.getnames() == [f"{folder}/etcd", f"{folder}/etcdctl", f"{folder}/etcdutl"]
        assert {entry.mode for entry in archive} == {0o755}
    with tarfile.open(cni) as archive:
        assert archive.getnames() == ["./bridge", "./host-local", "./loopback", "./portmap"]
    assert (etcd.parent / "SHA256SUMS").read_text().split()[1] == etcd.name
    assert (cni.parent / f"{cni.name}.sha256").read_text().split()[1] == cni.name


def test_file_that_upstream_published_is_mirrored_as_it_is(work: Work, results: Path, tmp_path: Path) -> None:
    file = next(file for file in mirror_files() if file.step == "etcd")
    original = results / "etcd" / "downloads" / file.path
    original.parent.mkdir(parents=True)
    original.write_text("the original archive")
    assert (make(work, tmp_path) / file.path).read_text() == "the original archive"


def test_equal_programs_pack_to_equal_bytes(results: Path, tmp_path: Path) -> None:
    members = {"./bridge": results / "kubernetes/bin/bridge"}
    pack(members, tmp_path / "first.tgz")
    (results / "kubernetes/bin/bridge").touch()
    pack(members, tmp_path / "second.tgz")
    assert (tmp_path / "first.tgz").read_bytes() == (tmp_path / "second.tgz").read_bytes()
