# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from local_cloud.build.errors import BuildError

__all__ = ["DASHBOARD_REQUIREMENTS", "GO_MODULES", "PAUSE", "dashboard_version", "module_version", "versions"]

_HERE = Path(__file__).parent
GO_MODULES = _HERE / "go"
DASHBOARD_REQUIREMENTS = _HERE / "requirements" / "kube-web-view.txt"
# The tag of build/pause/Makefile in the Kubernetes release of go/kubernetes/go.mod, and what its kubelet pins.
PAUSE = "3.10.2"

# name: (folder below go/, module); go.mod is the one place that says which version is built.
_MODULES = {
    "kubernetes": ("kubernetes", "k8s.io/kubernetes"),
    "containerd": ("kubernetes", "github.com/containerd/containerd/v2"),
    "cni-plugins": ("kubernetes", "github.com/containernetworking/plugins"),
    "coredns": ("kubernetes", "github.com/coredns/coredns"),
    "metrics-server": ("kubernetes", "sigs.k8s.io/metrics-server"),
    "etcd": ("etcd", "go.etcd.io/etcd/server/v3"),
    "flannel": ("flannel", "github.com/flannel-io/flannel"),
}


def versions() -> dict[str, str]:
    """Every component and its version, without a leading v."""
    built = {name: module_version(name) for name in _MODULES}
    return {**built, "pause": PAUSE, "kube-web-view": dashboard_version()}


@cache
def module_version(name: str) -> str:
    """The version of a component that is built from Go modules, such as 1.37.2."""
    folder, module = _MODULES[name]
    text = (GO_MODULES / folder / "go.mod").read_text()
    return _find(rf"^(?:require )?\s*{re.escape(module)} v([0-9.]+)$", text, f"{folder}/go.mod", module)


def dashboard_version() -> str:
    text = DASHBOARD_REQUIREMENTS.read_text()
    return _find(r"^kube-web-view==([0-9.]+) ", text, DASHBOARD_REQUIREMENTS.name, "kube-web-view")


def _find(pattern: str, text: str, file: str, what: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise BuildError(f"{file} in {_HERE} does not pin a version of {what}.")
    return found[1]
