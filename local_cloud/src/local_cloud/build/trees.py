# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

from local_cloud.build.debian import DebianTree
from local_cloud.build.step import Step, Work

__all__ = ["droplet_base_step", "proxy_root_step", "services_step"]

# systemd 257, as in Flatcar stable; 258 drops cgroup v1, so newer suites do not boot on every machine that builds.
_SUITE = "trixie"

_DROPLET = DebianTree(
    name="droplet-base",
    suite=_SUITE,
    variant="minbase",
    packages=(
        "systemd", "systemd-sysv", "systemd-resolved", "systemd-timesyncd", "dbus", "libnss-resolve", "libpam-systemd",
        "openssh-server", "sudo", "runc", "iproute2", "iptables", "nftables", "conntrack", "ipset", "ethtool", "socat",
        "iputils-ping", "kmod", "mount", "procps", "less", "curl", "ca-certificates", "openssl", "jq", "tar", "bzip2",
        "xz-utils", "zstd",
    ),
)  # fmt: skip

_SERVICES = DebianTree(
    name="services",
    suite=_SUITE,
    variant="minbase",
    packages=(
        "ca-certificates", "curl", "dnsmasq-base", "docker-registry", "etcd-discovery", "etcd-server", "nginx-light",
    ),
)  # fmt: skip

_PROXY = DebianTree(
    name="kube-proxy-root",
    suite=_SUITE,
    variant="extract",
    packages=("conntrack", "iptables", "kmod", "nftables"),
)


def droplet_base_step() -> Step:
    """What a droplet runs on, before anything of ours is added."""
    return _DROPLET.step()


def services_step() -> Step:
    """What the cloud's own services run from, so that none of them is installed on somebody's machine."""
    return _SERVICES.step()


def proxy_root_step() -> Step:
    """The programs that kube-proxy calls, with their libraries."""
    return _PROXY.step(_name_iptables)


def _name_iptables(root: Path, work: Work) -> None:
    """Links that the package's install script would have made."""
    work.note("linking iptables")
    for family in ("iptables", "ip6tables"):
        for command in ("", "-restore", "-save"):
            (root / "usr/sbin" / f"{family}{command}").symlink_to("xtables-nft-multi")
