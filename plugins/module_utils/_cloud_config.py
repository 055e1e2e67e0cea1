# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From files and units to the `#cloud-config` that coreos-cloudinit applies as meant, or a refusal that says why not.

coreos-cloudinit passes over what it does not know, stops at the first thing that it cannot do, and replaces address
tokens anywhere in the text. Whatever it would ignore, reject or alter is refused here, with the name of the entry.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["MAX_BYTES", "CloudConfig", "FileEntry", "UnitEntry", "render", "specification_digest"]

# What DigitalOcean takes as user data.
MAX_BYTES = 64 * 1024
COMMANDS = (
    "start",
    "stop",
    "restart",
    "reload",
    "try-restart",
    "reload-or-restart",
    "reload-or-try-restart",
)
_BIGGEST_NAMED = 5
_SPECIFICATION = "# specification "
_TOKEN = re.compile(r"\$(?:public|private)_ipv[46]")
_MODE = re.compile(r"0?[0-7]{3}")
_OWNER = re.compile(r"(?:[a-z_][a-z0-9_-]*|[0-9]+)?(?::(?:[a-z_][a-z0-9_-]*|[0-9]+))?")
_HOSTNAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NETWORK_SUFFIXES = (".network", ".netdev", ".link")
_UNIT_NAME = re.compile(
    r"[A-Za-z0-9:_.\\@-]+\.(?:service|socket|target|timer|mount|automount|path|slice|swap|network|netdev|link)"
)
_UNIT_FILE = re.compile(r"/systemd/system/(?:[^/]+|[^/]+\.d/[^/]+\.conf)$")
_SECTION = re.compile(r"\[[A-Za-z0-9-]+\]")
_PLAIN_LINE = re.compile(r"[\x20-\x7e]*")
_KEYS = {
    "document": {"files", "units", "hostname", "ssh_authorized_keys"},
    "file": {"path", "content", "mode", "owner"},
    "unit": {"name", "content", "command", "enable"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file to be written, at every boot."""

    path: str
    content: str
    mode: str = "0644"
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEntry:
    """A unit to be written, enabled or commanded; without content it is one that the image has."""

    name: str
    content: str = ""
    command: str = ""
    enable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudConfig:
    """All that one document holds."""

    files: tuple[FileEntry, ...] = ()
    units: tuple[UnitEntry, ...] = ()
    hostname: str = ""
    ssh_authorized_keys: tuple[str, ...] = ()

    @classmethod
    def from_mapping(cls, document: object) -> CloudConfig:
        """Read the document from plain data. Raises ConfigError for keys and types that have no meaning."""
        problems = list(_shape_problems(document))
        if problems or not isinstance(document, dict):
            raise _refusal(problems)
        return cls(
            files=tuple(_file_entry(item) for item in document.get("files") or ()),
            units=tuple(_unit_entry(item) for item in document.get("units") or ()),
            hostname=str(document.get("hostname") or ""),
            ssh_authorized_keys=tuple(str(key).strip() for key in document.get("ssh_authorized_keys") or ()),
        )

    def digest(self) -> str:
        """Return the SHA-256 of what the document says.

        The text itself is no measure: compressed by another controller's zlib it differs, with the same meaning.
        """
        meaning = {
            "files": [[f.path, f.content, f.mode, f.owner] for f in self.files],
            "units": [[u.name, u.content, u.command, u.enable] for u in self.units],
            "hostname": self.hostname,
            "ssh_authorized_keys": self.ssh_authorized_keys,
        }
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _file_entry(item: Mapping[str, Any]) -> FileEntry:
    return FileEntry(
        path=str(item["path"]),
        content=str(item["content"]),
        mode=str(item.get("mode") or "0644"),
        owner=str(item.get("owner") or ""),
    )


def _unit_entry(item: Mapping[str, Any]) -> UnitEntry:
    return UnitEntry(
        name=str(item["name"]),
        content=str(item.get("content") or ""),
        command=str(item.get("command") or ""),
        enable=bool(item.get("enable")),
    )


def _shape_problems(document: object) -> Iterable[str]:
    if not isinstance(document, dict):
        yield f"the input must be a dictionary with files and units, not a {type(document).__name__}."
        return
    yield from _key_problems("the document", document, _KEYS["document"])
    for kind, key, name_key in (("file", "files", "path"), ("unit", "units", "name")):
        items = document.get(key) or []
        if not isinstance(items, list):
            yield f"{key} must be a list, not a {type(items).__name__}."
            continue
        for number, item in enumerate(items, 1):
            yield from _item_problems(f"{kind} {number}", item, kind, name_key)


def _item_problems(label: str, item: object, kind: str, name_key: str) -> Iterable[str]:
    if not isinstance(item, dict):
        yield f"{label} must be a dictionary, not a {type(item).__name__}."
        return
    name = item.get(name_key)
    label = f"{kind} {name!r}" if name else label
    required = {"path", "content"} if kind == "file" else {"name"}
    for key in sorted(required - item.keys()):
        yield f"{label} has no {key}."
    yield from _key_problems(label, item, _KEYS[kind])
    for key, value in item.items():
        wanted = bool if key == "enable" else str
        if key in _KEYS[kind] and value is not None and not isinstance(value, wanted):
            hint = ' (quote it: "0644")' if key == "mode" else ""
            yield f"{label}: {key} is {value!r}, a {type(value).__name__}; it must be a {wanted.__name__}{hint}."


def _key_problems(label: str, mapping: Mapping[str, Any], known: set[str]) -> Iterable[str]:
    for key in mapping:
        if key not in known:
            yield (
                f"{label} has the key {key!r}, which would be ignored without a word. "
                f"Known are {', '.join(sorted(known))}."
            )


def _refusal(problems: Sequence[str]) -> ConfigError:
    return ConfigError("coreos-cloudinit would not apply this as meant: " + " ".join(problems), problems=problems)


def render(config: CloudConfig) -> str:
    """Return the document. Raises ConfigError with every problem, or naming the biggest entries if it is too large."""
    problems = [
        *_file_problems(config.files),
        *_unit_problems(config.units),
        *_identity_problems(config),
    ]
    if problems:
        raise _refusal(problems)
    # In a comment: a reader of the user data can tell which specification it carries without unpacking it.
    head = ["#cloud-config", f"{_SPECIFICATION}{config.digest()}"]
    files = [(f"file {entry.path}", _file_yaml(entry)) for entry in config.files]
    units = [(f"unit {entry.name}", _unit_yaml(entry)) for entry in config.units]
    text = "\n".join(
        [
            *head,
            *([f"hostname: {json.dumps(config.hostname)}"] if config.hostname else []),
            *_list_yaml("ssh_authorized_keys:", [f"- {json.dumps(key)}" for key in config.ssh_authorized_keys]),
            *_list_yaml("write_files:", [block for _, block in files]),
            *(["coreos:", *_indented(_list_yaml("units:", [block for _, block in units]))] if units else []),
            "",
        ]
    )
    _check_size(text, [*files, *units])
    return text


def specification_digest(user_data: str) -> str:
    """Return the digest of what the user data says: as `render` noted it, else of the text itself."""
    lines = user_data.split("\n", 2)
    if len(lines) > 1 and lines[1].startswith(_SPECIFICATION):
        return lines[1].removeprefix(_SPECIFICATION)
    return hashlib.sha256(user_data.encode()).hexdigest()


def _check_size(text: str, blocks: Sequence[tuple[str, str]]) -> None:
    size = len(text.encode())
    if size <= MAX_BYTES:
        return
    biggest = sorted(blocks, key=lambda block: -len(block[1].encode()))[:_BIGGEST_NAMED]
    told = ", ".join(f"{name} ({len(block.encode())} bytes)" for name, block in biggest)
    raise ConfigError(
        f"The user data is {size} bytes, {size - MAX_BYTES} more than the {MAX_BYTES} that DigitalOcean takes. "
        f"The biggest entries as they are packed: {told}."
    )


def _file_problems(files: Sequence[FileEntry]) -> Iterable[str]:
    paths = [entry.path for entry in files]
    folders = {parent for path in paths for parent in _parents(path)}
    for path in sorted({path for path in paths if paths.count(path) > 1}):
        yield f"file {path!r} is listed more than once; only the last one would stay."
    for entry in files:
        yield from _path_problems(entry.path, folders)
        if not _MODE.fullmatch(entry.mode):
            yield (
                f"file {entry.path!r}: mode is {entry.mode!r}; three octal digits, with or without a leading 0, are "
                "wanted. Set-user-id and its like would be dropped."
            )
        if entry.owner and not _OWNER.fullmatch(entry.owner):
            yield f"file {entry.path!r}: owner is {entry.owner!r}; it must be USER, USER:GROUP or :GROUP."
        if not _is_encodable(entry.content):
            yield f"file {entry.path!r}: its content is no text that UTF-8 can hold."
        if _UNIT_FILE.search(entry.path):
            yield from _syntax_problems(f"file {entry.path!r}", entry.content)


def _parents(path: str) -> Iterable[str]:
    # The folder of "//" is "//" itself.
    while (path := posixpath.dirname(path)).strip("/"):
        yield path


def _path_problems(path: str, folders: set[str]) -> Iterable[str]:
    if not path.startswith("/") or posixpath.normpath(path) != path or path == "/" or path.startswith("//"):
        yield f"file {path!r}: the path must be absolute and in its simplest form."
    if path.startswith("/usr/"):
        yield f"file {path!r}: /usr is read-only on the node."
    if path in folders:
        yield f"file {path!r} is also the folder of another file."
    if _TOKEN.search(path) or not _PLAIN_LINE.fullmatch(path):
        yield f"file {path!r}: the path must be plain text without address tokens."


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unit_problems(units: Sequence[UnitEntry]) -> Iterable[str]:
    names = [entry.name for entry in units]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"unit {name!r} is listed more than once; its command would run twice."
    for entry in units:
        label = f"unit {entry.name!r}"
        is_network = entry.name.endswith(_NETWORK_SUFFIXES)
        if not _UNIT_NAME.fullmatch(entry.name):
            yield f"{label}: that is no unit name; it needs a suffix such as .service and no slash."
        if entry.command and entry.command not in COMMANDS:
            yield f"{label}: command is {entry.command!r}; it must be one of {', '.join(COMMANDS)}."
        if is_network and (entry.command or entry.enable):
            yield f"{label}: command and enable are dropped for networkd's files."
        if not (entry.content or entry.command or entry.enable):
            yield f"{label} has neither content nor command nor enable, so it does nothing."
        if entry.content:
            yield from _unit_content_problems(label, entry)


def _unit_content_problems(label: str, entry: UnitEntry) -> Iterable[str]:
    if token := _TOKEN.search(entry.content):
        yield f"{label}: {token[0]} in its content would be replaced by an address; read it from /etc/environment."
    if not all(_PLAIN_LINE.fullmatch(line.replace("\t", " ")) for line in entry.content.split("\n")):
        yield f"{label}: its content must be plain text; unlike a file's it cannot be encoded."
    yield from _syntax_problems(label, entry.content)
    if entry.command and _is_after_multi_user(entry.content):
        yield (
            f"{label} is ordered after multi-user.target, which waits for cloudinit, which waits for its "
            f"{entry.command}: the boot would hang for good."
        )


def _syntax_problems(label: str, content: str) -> Iterable[str]:
    section = ""
    continued = False
    for number, line in enumerate(content.split("\n"), 1):
        stripped = line.strip()
        if continued or not stripped or stripped[0] in "#;":
            # A comment within a continued value does not end it.
            continued = continued and (stripped[:1] in ("#", ";") or stripped.endswith("\\"))
            continue
        continued = stripped.endswith("\\")
        if stripped.startswith("["):
            section = stripped
            if not _SECTION.fullmatch(stripped):
                yield f"{label}: line {number} is no section header: {stripped!r}."
        elif "=" not in stripped:
            yield f"{label}: line {number} is no assignment: {stripped!r}."
        elif not section:
            yield f"{label}: line {number} stands before the first section: {stripped!r}."


def _is_after_multi_user(content: str) -> bool:
    lines = (line.strip() for line in content.split("\n"))
    return any(
        line.startswith("After=") and "multi-user.target" in line.removeprefix("After=").split() for line in lines
    )


def _identity_problems(config: CloudConfig) -> Iterable[str]:
    if config.hostname and not _HOSTNAME.fullmatch(config.hostname):
        yield f"hostname is {config.hostname!r}; it must be a DNS label of at most 63 characters."
    for key in config.ssh_authorized_keys:
        if len(key.split()) < 2 or "\n" in key or not _PLAIN_LINE.fullmatch(key):
            yield f"ssh_authorized_keys holds {key[:40]!r}, which is no public key."


def _list_yaml(key: str, blocks: Sequence[str]) -> list[str]:
    return [key, *_indented(line for block in blocks for line in block.split("\n"))] if blocks else []


def _indented(lines: Iterable[str], by: str = "  ") -> list[str]:
    return [by + line if line else line for line in lines]


def _file_yaml(entry: FileEntry) -> str:
    # Quoted: a bare 0644 is a number to some readers of YAML.
    lines = [f"- path: {json.dumps(entry.path)}", f'  permissions: "{entry.mode}"']
    if entry.owner:
        lines.append(f'  owner: "{entry.owner}"')
    packed = base64.b64encode(gzip.compress(entry.content.encode(), compresslevel=9, mtime=0)).decode()
    plain = _plain_block(entry.content)
    if plain is not None and len(plain) <= len(packed):
        return "\n".join([*lines, f"  content: {plain}"])
    return "\n".join([*lines, '  encoding: "gz+b64"', f'  content: "{packed}"'])


def _plain_block(content: str) -> str | None:
    """Return the content as YAML, None if only an encoding keeps it from being altered on the way."""
    if _TOKEN.search(content):
        return None
    if not content:
        return '""'
    lines = content.split("\n")
    if not all(_PLAIN_LINE.fullmatch(line) for line in lines):
        return None
    is_literal = content.endswith("\n") and not content.endswith("\n\n") and content[0] not in " \n"
    return "\n".join(["|", *_indented(lines[:-1], "    ")]) if is_literal else json.dumps(content)


def _unit_yaml(entry: UnitEntry) -> str:
    lines = [f"- name: {json.dumps(entry.name)}"]
    if entry.command:
        lines.append(f'  command: "{entry.command}"')
    if entry.enable:
        lines.append("  enable: true")
    if entry.content:
        lines.append(f"  content: {_plain_block(entry.content) or json.dumps(entry.content)}")
    return "\n".join(lines)
