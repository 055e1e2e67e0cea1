# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.flotilla.coreos.plugins.filter.cloud_config import FilterModule
from ansible_collections.flotilla.coreos.plugins.module_utils._cloud_config import (
    CloudConfig,
    render,
    specification_digest,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError

SERVICE = "[Unit]\nDescription=Demo\n\n[Service]\nExecStart=/bin/true\n"


def rendered(**document: Any) -> str:
    return render(CloudConfig.from_mapping(document))


def file(path: str = "/etc/demo", content: Any = "hello\n", **more: Any) -> dict[str, Any]:
    return {"path": path, "content": content, **more}


def unit(name: str = "demo.service", **more: Any) -> dict[str, Any]:
    return {"name": name, "content": SERVICE, **more}


def read_files(text: str) -> dict[str, str]:
    """Read the files back as coreos-cloudinit does: every scalar as text, then the encoding."""
    found = {}
    for entry in yaml.load(text, yaml.BaseLoader).get("write_files", []):
        content = entry["content"]
        if entry.get("encoding") == "gz+b64":
            content = gzip.decompress(base64.b64decode(content, validate=True)).decode()
        found[entry["path"]] = content
    return found


def test_first_line_is_the_header_alone() -> None:
    assert rendered().split("\n")[0] == "#cloud-config"
    assert yaml.safe_load(rendered()) is None


CONTENTS = [
    "",
    "hello\n",
    "no newline at the end",
    "two newlines\n\n",
    "\nleading newline\n",
    "  leading blanks\n",
    "trailing blanks  \n",
    "a: b # c\n- d: 'e' \"f\" \\n\n",
    "---\n...\n%TAG\n",
    "tab\there\n",
    "carriage return\r\n",
    "Grüße, 世界\n",
    "bell\x07 and nul\x00\n",
    "line separator\u2028 and nel\x85\n",
    "ip=$private_ipv4 ${private_ipv4} \\$public_ipv4\n",
    "blank\n\n   \nlines\n",
    "x" * 5000 + "\n",
    "".join(f"line {number}: {number * 7919}\n" for number in range(400)),
]


@pytest.mark.parametrize("content", CONTENTS)
def test_content_arrives_unaltered(content: str) -> None:
    text = rendered(files=[file(content=content)])
    assert read_files(text) == {"/etc/demo": content}


def test_address_tokens_in_files_are_out_of_reach() -> None:
    assert "$private_ipv4" not in rendered(files=[file(content="$private_ipv4\n" * 3)])


def test_small_text_stays_readable_and_large_text_is_packed() -> None:
    text = rendered(files=[file(), file("/etc/large", "all the same line\n" * 200)])
    assert '  - path: "/etc/demo"\n    permissions: "0644"\n    content: |\n      hello\n' in text
    assert "all the same line" not in text


def test_same_input_gives_the_same_text() -> None:
    document = {"files": [file(content="x" * 999)], "units": [unit(command="start")]}
    assert rendered(**document) == rendered(**document)


def test_specification_line_follows_the_meaning_and_not_the_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    def second_line() -> str:
        return rendered(files=[file(content="x" * 999)]).split("\n")[1]

    usual = second_line()
    assert usual.startswith("# specification ")
    assert len(usual.split()[-1]) == 64
    monkeypatch.setattr(gzip, "compress", lambda *_, **__: b"other packing")
    assert second_line() == usual
    assert rendered(files=[file(content="y")]).split("\n")[1] != usual


def test_digest_is_read_back_from_the_text() -> None:
    text = rendered(files=[file()])
    assert text.split("\n")[1] == f"# specification {specification_digest(text)}"


def test_digest_of_other_user_data_is_that_of_the_text() -> None:
    assert specification_digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert specification_digest("#!/bin/sh\n") != specification_digest("#!/bin/bash\n")


def test_units_keep_their_order_and_commands() -> None:
    text = rendered(units=[unit("b.service", command="start", enable=True), {"name": "a.target", "command": "start"}])
    assert yaml.load(text, yaml.BaseLoader) == {
        "coreos": {
            "units": [
                {"name": "b.service", "command": "start", "enable": "true", "content": SERVICE},
                {"name": "a.target", "command": "start"},
            ]
        }
    }


def test_mode_owner_hostname_and_keys_are_written() -> None:
    key = "ssh-ed25519 AAAA me@here"
    text = rendered(files=[file(mode="0600", owner="core:core")], hostname="demo-1", ssh_authorized_keys=[key])
    assert yaml.load(text, yaml.BaseLoader) == {
        "hostname": "demo-1",
        "ssh_authorized_keys": [key],
        "write_files": [{"path": "/etc/demo", "permissions": "0600", "owner": "core:core", "content": "hello\n"}],
    }


def test_no_key_with_a_hyphen_is_ever_written() -> None:
    text = rendered(files=[file(owner="core")], units=[unit(command="start", enable=True)], hostname="x")

    def keys(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [*node, *(key for value in node.values() for key in keys(value))]
        return [key for item in node for key in keys(item)] if isinstance(node, list) else []

    assert [key for key in keys(yaml.safe_load(text)) if "-" in key] == []


SHAPES: list[tuple[Any, str]] = [
    ([], "must be a dictionary with files and units, not a list"),
    ({"write-files": []}, "the document has the key 'write-files', which would be ignored"),
    ({"files": {"a": 1}}, "files must be a list, not a dict"),
    ({"files": ["x"]}, "file 1 must be a dictionary, not a str"),
    ({"files": [{"path": "/a"}]}, "file '/a' has no content"),
    ({"files": [{"content": "x"}]}, "file 1 has no path"),
    ({"files": [file(permissions="0644")]}, "file '/etc/demo' has the key 'permissions', .* Known are content, mode"),
    ({"files": [file(mode=420)]}, r"file '/etc/demo': mode is 420, a int; it must be a str \(quote it"),
    ({"files": [file(content=5)]}, "content is 5, a int; it must be a str"),
    ({"units": [unit(drop_ins=[])]}, "unit 'demo.service' has the key 'drop_ins'"),
    ({"units": [unit(enable="true")]}, "enable is 'true', a str; it must be a bool"),
    ({"units": [{"content": "x"}]}, "unit 1 has no name"),
]


@pytest.mark.parametrize(("document", "words"), SHAPES)
def test_shape_that_has_no_meaning_is_refused_by_name(document: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        CloudConfig.from_mapping(document)


FILES: list[tuple[dict[str, Any], str]] = [
    (file("etc/demo"), "the path must be absolute"),
    (file("/etc/../demo"), "the path must be absolute and in its simplest form"),
    (file("/etc/demo/"), "in its simplest form"),
    (file("//etc/demo"), "in its simplest form"),
    (file("/"), "must be absolute"),
    (file("/usr/bin/x"), "/usr is read-only on the node"),
    (file("/etc/$private_ipv4"), "plain text without address tokens"),
    (file("/etc/a\nb"), "plain text"),
    (file(mode="4755"), "mode is '4755'; three octal digits"),
    (file(mode="rwx"), "mode is 'rwx'"),
    (file(mode="0o644"), "mode is '0o644'"),
    (file(owner="-core"), "owner is '-core'"),
    (file(content="\ud800"), "no text that UTF-8 can hold"),
    (file("/etc/systemd/system/x.service", "hello\n"), "line 1 is no assignment: 'hello'"),
    (file("/run/tree/etc/systemd/system/x.service", "A=b\n[Unit]\n"), "line 1 stands before the first section"),
    (file("/etc/systemd/system/x.service.d/10.conf", "[Unit\n"), "line 1 is no section header"),
]


@pytest.mark.parametrize(("entry", "words"), FILES)
def test_file_that_would_not_arrive_as_meant_is_refused_by_name(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        rendered(files=[entry])
    assert repr(entry["path"]) in str(caught.value)


def test_two_files_in_one_place_are_refused() -> None:
    with pytest.raises(ConfigError, match="file '/etc/demo' is listed more than once"):
        rendered(files=[file(), file()])
    with pytest.raises(ConfigError, match="file '/etc/demo' is also the folder of another file"):
        rendered(files=[file(), file("/etc/demo/x")])


UNITS: list[tuple[dict[str, Any], str]] = [
    (unit("demo"), "that is no unit name"),
    (unit("a/b.service"), "that is no unit name"),
    (unit(command="enable"), "command is 'enable'; it must be one of start, stop"),
    (unit("10-x.network", command="start", content="[Match]\nName=x\n"), "dropped for networkd's files"),
    ({"name": "demo.service"}, "neither content nor command nor enable"),
    (unit(content="[Service]\nEnvironment=IP=$private_ipv4\n"), r"\$private_ipv4 in its content would be replaced"),
    (unit(content="[Service]\nExecStart=/bin/echo Grüße\n"), "its content must be plain text"),
    (unit(content="ExecStart=/bin/true\n"), "line 1 stands before the first section"),
    (unit(content="[Service]\nExecStart\n"), "line 2 is no assignment: 'ExecStart'"),
    (
        unit(command="start", content="[Unit]\nAfter=network.target multi-user.target\n"),
        "ordered after multi-user.target, .* the boot would hang",
    ),
]


@pytest.mark.parametrize(("entry", "words"), UNITS)
def test_unit_that_would_not_do_as_meant_is_refused_by_name(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        rendered(units=[entry])
    assert repr(entry["name"]) in str(caught.value)


def test_unit_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="unit 'demo.service' is listed more than once"):
        rendered(units=[unit(), unit()])


GOOD_UNITS = [
    SERVICE,
    "# a comment\n; another\n[Service]\nExecStart=/bin/sh -c 'a \\\n  b \\\n# comment\n  c'\n",
    "[Unit]\nAfter=network.target\n\n[Service]\nExecStart=\nExecStart=/bin/true\n",
    "[Service]\n\tType=oneshot\n",
]


@pytest.mark.parametrize("content", GOOD_UNITS)
def test_unit_files_as_people_write_them_pass(content: str) -> None:
    text = rendered(units=[unit(content=content, command="start")])
    assert yaml.load(text, yaml.BaseLoader)["coreos"]["units"][0]["content"] == content


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        rendered(files=[file("/usr/x"), file(mode="9")], units=[unit("x")], hostname="UPPER", ssh_authorized_keys=["k"])
    assert len(caught.value.problems) == 5
    assert "hostname is 'UPPER'" in str(caught.value)
    assert "ssh_authorized_keys holds 'k'" in str(caught.value)


def test_too_much_is_refused_with_the_biggest_entries() -> None:
    noise = "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(16000))
    with pytest.raises(ConfigError) as caught:
        rendered(files=[file("/etc/noise", noise), file("/etc/small", "x\n")], units=[unit()])
    text = str(caught.value)
    assert "more than the 65536 that DigitalOcean takes" in text
    assert "biggest entries as they are packed: file /etc/noise (" in text


def test_just_under_the_limit_passes() -> None:
    key = "ssh-rsa " + "A" * (65536 - len(rendered(ssh_authorized_keys=["ssh-rsa A"])) + 1)
    assert len(rendered(ssh_authorized_keys=[key])) == 65536
    with pytest.raises(ConfigError, match="The user data is 65537 bytes, 1 more"):
        rendered(ssh_authorized_keys=[key + "A"])


def test_filter_names_itself_in_an_error() -> None:
    apply = FilterModule().filters()["cloud_config"]
    assert str(apply({"files": [file()]})).startswith("#cloud-config\n")
    with pytest.raises(AnsibleFilterError, match="cloud_config: .*/usr is read-only"):
        apply({"files": [file("/usr/x")]})
