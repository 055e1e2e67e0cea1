# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: a folder of templates, rendered as the files of a node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tree
short_description: Render a tree of templates into the files of a node
version_added: 0.1.0
author: flotilla.coreos contributors (@flotilla)
description:
  - Reads one or more layers, folders whose files lie at the path that they have on the node, and renders each file
    with the current variables. An undefined variable is an error.
  - A file of a later layer replaces the file of the same path in an earlier one.
  - A file that renders to nothing but white space is left out, so that a file can be optional.
options:
  _terms:
    description: Names of the layers, below O(root), from the general to the special.
    type: list
    elements: string
    required: true
  root:
    description: The folder that holds the layers.
    type: path
    required: true
notes:
  - The mode is V(0755) where the template is executable, V(0600) for static pod manifests and kubelet configuration
    (they name key files; CIS 1.1.1 and 4.1.9), else V(0644).
"""

EXAMPLES = r"""
- name: Render the node tree of a worker
  ansible.builtin.set_fact:
    node_files: "{{ query('flotilla.coreos.tree', 'common', 'worker', root=role_path ~ '/templates/tree') }}"
"""

RETURN = r"""
_raw:
  description: The files, sorted by path.
  type: list
  elements: dict
  contains:
    path:
      description: Absolute path on the node.
      type: str
      sample: /etc/systemd/system/kubelet.service
    content:
      description: The rendered text.
      type: str
    mode:
      description: Permissions, in octal.
      type: str
      sample: "0644"
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible.template import trust_as_template

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PRIVATE = ("/etc/kubernetes/manifests/", "/etc/kubernetes/kubelet.yaml", "/etc/kubernetes/kube-proxy.yaml")


def tree_sources(root: Path, layers: Sequence[str]) -> dict[str, Path]:
    """Return path on the node -> template file, sorted by path; raises ValueError for a layer that is missing."""
    sources: dict[str, Path] = {}
    for layer in layers:
        folder = root / layer
        if not folder.is_dir():
            raise ValueError(f"the layer {layer!r} is not a folder of {root}")
        sources |= {f"/{file.relative_to(folder)}": file for file in folder.rglob("*") if file.is_file()}
    return dict(sorted(sources.items()))


def file_mode(path: str, source: Path) -> str:
    """Return the octal permissions that the file gets on the node."""
    if os.access(source, os.X_OK):
        return "0755"
    return "0600" if path.startswith(_PRIVATE) else "0644"


def render_tree(root: Path, layers: Sequence[str], render: Callable[[str], str]) -> list[dict[str, str]]:
    """Render every file of the layers with RENDER; raises ValueError that names the file that could not be rendered."""
    files = []
    for path, source in tree_sources(root, layers).items():
        try:
            content = render(source.read_text(encoding="utf-8"))
        except Exception as error:
            raise ValueError(f"{source}: {error}") from error
        if content.strip():
            files.append({"path": path, "content": content, "mode": file_mode(path, source)})
    return files


class LookupModule(LookupBase):
    """The entry point that Ansible calls."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        """Render the layers named by the terms."""
        if "root" not in kwargs:
            raise AnsibleError("flotilla.coreos.tree needs root, the folder that holds the layers")
        try:
            return render_tree(Path(kwargs["root"]), terms, self._render)
        except ValueError as error:
            raise AnsibleError(f"The node tree cannot be rendered: {error}") from error

    def _render(self, text: str) -> str:
        assert self._templar is not None, "Ansible gives every lookup a templar"
        rendered = self._templar.template(trust_as_template(text))
        # A template of nothing but a condition that is false yields None.
        return "" if rendered is None else str(rendered)
