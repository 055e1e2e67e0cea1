# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How layers of templates become the files of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.flotilla.coreos.plugins.lookup.tree import LookupModule, render_tree, tree_sources

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def lookup(root: Path, *layers: str, **variables: object) -> list[dict[str, str]]:
    """Call the plugin as Ansible does."""
    plugin = LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables=variables))
    return plugin.run(list(layers), variables=dict(variables), root=str(root))


def test_a_later_layer_replaces_the_file_of_an_earlier_one(tmp_path: Path) -> None:
    write(tmp_path / "common/etc/a", "common")
    write(tmp_path / "worker/etc/a", "worker")
    assert [file["content"] for file in render_tree(tmp_path, ["common", "worker"], str)] == ["worker"]


def test_files_come_sorted_by_their_path_on_the_node(tmp_path: Path) -> None:
    for name in ("common/opt/b", "common/etc/c", "worker/etc/a"):
        write(tmp_path / name, "x")
    assert list(tree_sources(tmp_path, ["common", "worker"])) == ["/etc/a", "/etc/c", "/opt/b"]


def test_a_file_that_renders_to_white_space_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "common/etc/optional", "text")
    assert render_tree(tmp_path, ["common"], lambda _: " \n") == []


@pytest.mark.parametrize(
    ("path", "mode", "expected"),
    [
        ("opt/flotilla/bin/run", 0o755, "0755"),
        ("etc/flotilla/cluster.env", 0o644, "0644"),
        ("etc/kubernetes/manifests/kube-proxy.yaml", 0o644, "0600"),
        ("etc/kubernetes/kubelet.yaml", 0o644, "0600"),
    ],
)
def test_mode_follows_from_the_template_and_the_path(tmp_path: Path, path: str, mode: int, expected: str) -> None:
    write(tmp_path / "common" / path, "x", mode)
    assert render_tree(tmp_path, ["common"], str)[0]["mode"] == expected


def test_a_missing_layer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the layer 'worker' is not a folder"):
        tree_sources(tmp_path, ["worker"])


def test_variables_are_rendered_and_the_last_newline_stays(tmp_path: Path) -> None:
    write(tmp_path / "common/etc/a", "name={{ cluster_name }}\n")
    assert lookup(tmp_path, "common", cluster_name="blue")[0]["content"] == "name=blue\n"


def test_an_undefined_variable_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    write(tmp_path / "common/etc/a", "{{ not_there }}")
    with pytest.raises(AnsibleError, match=r"common/etc/a.*not_there"):
        lookup(tmp_path, "common")


def test_a_call_without_root_says_what_is_missing() -> None:
    plugin = LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables={}))
    with pytest.raises(AnsibleError, match="needs root"):
        plugin.run(["common"])
