# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `local-cloud build` left in the cache of this machine."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from local_cloud.build import Artifacts, artifacts
from local_cloud.build.images import ImageSpec, image_specs
from local_cloud.build.mirror import mirror_files
from local_cloud.paths import cache_root

pytestmark = pytest.mark.machines


@pytest.fixture(scope="module")
def built() -> Artifacts:
    return artifacts(cache_root())


def output(*argv: str | Path) -> str:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return done.stdout


@pytest.mark.parametrize(("program", "argument"), [("kubelet", "--version"), ("flanneld-amd64", "--version")])
def test_mirrored_program_says_the_version_of_its_path(built: Artifacts, program: str, argument: str) -> None:
    (file,) = (file for file in mirror_files() if file.path.endswith(f"/{program}"))
    version = next(part for part in file.path.split("/") if part.startswith("v"))
    assert version in output(built.mirror / file.path, argument)


@pytest.mark.parametrize("program", ["etcd", "etcdctl", "etcdutl"])
def test_etcd_archive_has_programs_of_its_version(built: Artifacts, program: str, tmp_path: Path) -> None:
    (file,) = (file for file in mirror_files() if file.step == "etcd")
    with tarfile.open(built.mirror / file.path) as archive:
        archive.extractall(tmp_path, filter="data")
    (found,) = tmp_path.glob(f"*/{program}")
    assert built.versions["etcd"] in output(found, "version" if program != "etcd" else "--version")


def test_droplet_image_has_no_python(built: Artifacts) -> None:
    names = [path for path in built.image.rglob("*python*") if path.is_file()]
    assert [path for path in names if "bin" in path.parts or ".so" in path.name] == []


@pytest.mark.parametrize(
    "program",
    [
        "containerd", "containerd-shim-runc-v2", "ctr", "coreos-cloudinit", "runc", "conntrack", "ipset", "socat",
        "jq", "curl", "openssl", "nft", "iptables", "ethtool", "modprobe", "sudo", "tar", "bzip2", "xz", "ping",
    ],
)  # fmt: skip
def test_droplet_image_has_the_tools_of_the_real_one(built: Artifacts, program: str) -> None:
    found = [built.image / folder / program for folder in ("usr/bin", "usr/sbin", "usr/libexec")]
    assert any(path.is_file() or path.is_symlink() for path in found)


def test_droplet_image_belongs_to_no_machine_yet(built: Artifacts) -> None:
    assert (built.image / "etc/machine-id").read_text() == ""
    assert not (built.image / "etc/hostname").exists()
    assert list((built.image / "etc/ssh").glob("ssh_host_*")) == []
    assert "core:x:500:500:" in (built.image / "etc/passwd").read_text()


@pytest.mark.parametrize(
    ("program", "argument", "expected"),
    [
        ("etcd", "--version", "etcd Version: 3.5"),
        ("nginx", "-v", "nginx version"),
        ("docker-registry", "--version", "docker-registry"),
        ("dnsmasq", "--version", "Dnsmasq version"),
        ("discovery.etcd.io", "--help", "Usage"),
    ],
)
def test_services_root_runs_each_service(built: Artifacts, program: str, argument: str, expected: str) -> None:
    assert expected in output("chroot", built.services, program, argument)


class ImageRoot:
    """An image as a registry's storage has it."""

    def __init__(self, registry: Path, repository: str, tag: str) -> None:
        self._root = registry / "docker/registry/v2"
        link = self._root / "repositories" / repository / "_manifests/tags" / tag / "current/link"
        self.manifest = json.loads(self._blob(link.read_text()).read_bytes())
        self.config = json.loads(self._blob(self.manifest["config"]["digest"]).read_bytes())

    def _blob(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self._root / "blobs/sha256" / name[:2] / name / "data"

    def unpack(self, target: Path) -> Path:
        for layer in self.manifest["layers"]:
            with tarfile.open(self._blob(layer["digest"])) as archive:
                archive.extractall(target, filter="tar")
        return target

    @property
    def entrypoint(self) -> str:
        return str(self.config["config"]["Entrypoint"][0])


@pytest.mark.parametrize("spec", image_specs(), ids=lambda spec: spec.repository)
def test_every_image_is_in_the_registry_and_has_its_program(built: Artifacts, spec: ImageSpec, tmp_path: Path) -> None:
    image = ImageRoot(built.registry, spec.repository, spec.tag)
    root = image.unpack(tmp_path)
    assert (root / image.entrypoint.lstrip("/")).stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("repository", "argv", "expected"),
    [
        ("kube-apiserver", ["/usr/local/bin/kube-apiserver", "--version"], "Kubernetes v"),
        ("kube-proxy", ["/usr/sbin/nft", "--version"], "nftables v"),
        ("kube-proxy", ["/usr/sbin/iptables", "--version"], "nf_tables"),
        ("kube-proxy", ["/usr/sbin/conntrack", "--version"], "conntrack v"),
        ("coredns/coredns", ["/coredns", "-version"], "CoreDNS-"),
        ("metrics-server/metrics-server", ["/metrics-server", "--version"], "v"),
        ("hjacobs/kube-web-view", ["/usr/bin/python3.11", "-m", "kube_web", "--version"], "kube-web-view 21.2.0"),
    ],
    ids=lambda value: value[0].rsplit("/", 1)[-1] if isinstance(value, list) else "",
)
def test_program_of_an_image_runs_in_it(
    built: Artifacts, repository: str, argv: list[str], expected: str, tmp_path: Path
) -> None:
    (spec,) = (spec for spec in image_specs() if spec.repository == repository)
    root = ImageRoot(built.registry, repository, spec.tag).unpack(tmp_path)
    assert expected in output("chroot", root, *argv)
