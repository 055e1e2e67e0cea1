# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from local_cloud.build.upstream import Release
from local_cloud.build.versions import module_version

__all__ = ["Component", "etcd", "flannel", "kubernetes_family"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Programs of one project: where its releases lie, and how they are built from its Go module.

    `packages` maps a program to its Go package, `stamps` a linker variable to its value. Without `releases` (no
    checksum is published, say) the component is always built.
    """

    name: str
    packages: Mapping[str, str]
    stamps: Mapping[str, str] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    needs_cgo: bool = False


def kubernetes_family() -> tuple[Component, ...]:
    """All that is built in the module go/kubernetes."""
    return (_kubernetes(), _containerd(), _cni_plugins(), _coredns(), _metrics_server())


def _kubernetes() -> Component:
    version = module_version("kubernetes")
    major, minor, _ = version.split(".")
    programs = (
        "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet",
    )  # fmt: skip
    folder = f"https://dl.k8s.io/release/v{version}/bin/linux/amd64"
    return Component(
        name="kubernetes",
        packages={program: f"k8s.io/kubernetes/cmd/{program}" for program in programs},
        stamps={
            "k8s.io/component-base/version.gitVersion": f"v{version}",
            "k8s.io/component-base/version.gitMajor": major,
            "k8s.io/component-base/version.gitMinor": minor,
            "k8s.io/client-go/pkg/version.gitVersion": f"v{version}",
            "k8s.io/client-go/pkg/version.gitMajor": major,
            "k8s.io/client-go/pkg/version.gitMinor": minor,
        },
        releases=tuple(
            Release(url=f"{folder}/{program}", checksum_url=f"{folder}/{program}.sha256") for program in programs
        ),
    )


def _containerd() -> Component:
    version = module_version("containerd")
    module = "github.com/containerd/containerd/v2"
    programs = ("containerd", "containerd-shim-runc-v2", "ctr")
    url = (
        f"https://github.com/containerd/containerd/releases/download/v{version}/"
        f"containerd-static-{version}-linux-amd64.tar.gz"
    )
    return Component(
        name="containerd",
        packages={program: f"{module}/cmd/{program}" for program in programs},
        stamps={f"{module}/version.Version": f"v{version}"},
        releases=(
            Release(url=url, checksum_url=f"{url}.sha256sum", programs={name: f"bin/{name}" for name in programs}),
        ),
    )


def _cni_plugins() -> Component:
    version = module_version("cni-plugins")
    module = "github.com/containernetworking/plugins"
    folders = {"bridge": "main", "host-local": "ipam", "loopback": "main", "portmap": "meta"}
    url = f"https://{module}/releases/download/v{version}/cni-plugins-linux-amd64-v{version}.tgz"
    return Component(
        name="cni-plugins",
        packages={program: f"{module}/plugins/{folder}/{program}" for program, folder in folders.items()},
        stamps={f"{module}/pkg/utils/buildversion.BuildVersion": f"v{version}"},
        releases=(Release(url=url, checksum_url=f"{url}.sha256", programs={name: f"./{name}" for name in folders}),),
    )


def _coredns() -> Component:
    version = module_version("coredns")
    module = "github.com/coredns/coredns"
    url = f"https://{module}/releases/download/v{version}/coredns_{version}_linux_amd64.tgz"
    return Component(
        name="coredns",
        packages={"coredns": module},
        releases=(Release(url=url, checksum_url=f"{url}.sha256", programs={"coredns": "coredns"}),),
    )


def _metrics_server() -> Component:
    """Its releases come without checksums, so it is always built."""
    return Component(
        name="metrics-server",
        packages={"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
        stamps={"k8s.io/client-go/pkg/version.gitVersion": f"v{module_version('metrics-server')}"},
    )


def etcd() -> Component:
    version = module_version("etcd")
    folder = f"https://github.com/etcd-io/etcd/releases/download/v{version}"
    archive = f"etcd-v{version}-linux-amd64"
    return Component(
        name="etcd",
        packages={
            "etcd": "go.etcd.io/etcd/server/v3",
            "etcdctl": "go.etcd.io/etcd/etcdctl/v3",
            "etcdutl": "go.etcd.io/etcd/etcdutl/v3",
        },
        releases=(
            Release(
                url=f"{folder}/{archive}.tar.gz",
                checksum_url=f"{folder}/SHA256SUMS",
                programs={name: f"{archive}/{name}" for name in ("etcd", "etcdctl", "etcdutl")},
            ),
        ),
    )


def flannel() -> Component:
    """Its releases come without checksums, so it is always built; its udp backend is C."""
    module = "github.com/flannel-io/flannel"
    return Component(
        name="flannel",
        packages={"flanneld": module},
        stamps={f"{module}/pkg/version.Version": f"v{module_version('flannel')}"},
        needs_cgo=True,
    )
