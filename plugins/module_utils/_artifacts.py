# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin every artifact to a SHA-256 before a node is asked to download it, and see that it is there."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError, ConfigError
from ansible_collections.flotilla.coreos.plugins.module_utils._http import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["FORMATS", "Artifact", "Pinned", "artifact_from", "mirrored", "pin_all", "read_checksum"]

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_THREADS = 8


class Http(Protocol):
    """What pinning needs of HTTP."""

    def get_text(self, url: str) -> str:
        """Return the body of a 200 or raise an error of this collection."""

    def size_bytes(self, url: str) -> int | None:
        """Return the length that the server announces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that nodes download, and where its checksum is published if it is not known."""

    name: str
    url: str
    sha256: str = ""
    checksum_url: str = ""
    checksum_format: str = "bare"


def artifact_from(item: Mapping[str, Any]) -> Artifact:
    """Read an artifact from a variable; keys that are of no concern here are passed over. Raises ConfigError."""
    texts = {key: str(item.get(key) or "") for key in ("name", "url", "sha256", "checksum_url")}
    missing = [key for key in ("name", "url") if not texts[key]]
    if missing:
        raise ConfigError(f"An artifact has no {' and no '.join(missing)}: {dict(item)}.")
    kind = str(item.get("checksum_format") or "bare")
    if kind not in FORMATS:
        raise ConfigError(
            f"Artifact {texts['name']}: its checksum_format is {kind!r}; it must be one of {', '.join(FORMATS)}."
        )
    return Artifact(checksum_format=kind, **texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What is known of an artifact after the check; `urls` in the order in which a node shall try them."""

    sha256: str
    urls: tuple[str, ...]
    size_bytes: int | None

    def to_result(self) -> dict[str, Any]:
        """Return it as a module returns it."""
        return {"sha256": self.sha256, "urls": list(self.urls), "size_bytes": self.size_bytes}


def mirrored(mirror: str, url: str) -> str:
    """Return where a mirror serves the URL: MIRROR/HOST/PATH."""
    parts = urlsplit(url)
    return f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}"


def pin_all(artifacts: Sequence[Artifact], mirror: str, http: Http) -> list[Pinned]:
    """Pin all artifacts, several at a time. Raises ConfigError with every problem, each naming artifact and URL."""
    with ThreadPoolExecutor(max_workers=_THREADS) as executor:
        results = list(executor.map(lambda artifact: _pin_or_problem(artifact, mirror, http), artifacts))
    problems = [result for result in results if isinstance(result, str)]
    if problems:
        raise ConfigError(" ".join(problems), problems=problems)
    return [result for result in results if isinstance(result, Pinned)]


def _pin_or_problem(artifact: Artifact, mirror: str, http: Http) -> Pinned | str:
    try:
        return _pin(artifact, mirror, http)
    except CollectionError as error:
        return f"Artifact {artifact.name}: {error}"


def _pin(artifact: Artifact, mirror: str, http: Http) -> Pinned:
    _check_https(artifact.url)
    urls = (mirrored(mirror, artifact.url), artifact.url) if mirror else (artifact.url,)
    return Pinned(sha256=_checksum(artifact, mirror, http), urls=urls, size_bytes=http.size_bytes(urls[0]))


def _check_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise ConfigError(f"{url} is no https URL; only a mirror of your own may be plain http (artifact_mirror).")


def _checksum(artifact: Artifact, mirror: str, http: Http) -> str:
    if artifact.sha256:
        if not _SHA256.fullmatch(artifact.sha256):
            raise ConfigError(f"its sha256 is {artifact.sha256!r}; 64 hexadecimal digits are wanted.")
        return artifact.sha256.lower()
    if mirror:
        # A mirror keeps a bare checksum beside each file, for publishers that have none or another form.
        url, kind = f"{mirrored(mirror, artifact.url)}.sha256", "bare"
    elif artifact.checksum_url:
        _check_https(artifact.checksum_url)
        url, kind = artifact.checksum_url, artifact.checksum_format
    else:
        raise ConfigError(f"{artifact.url} has no published checksum: set its sha256. Nothing is installed unchecked.")
    return read_checksum(http.get_text(url), kind, file_name=_file_name(artifact.url), source=url)


def _file_name(url: str) -> str:
    return urlsplit(url).path.rsplit("/", 1)[-1]


def read_checksum(text: str, kind: str, *, file_name: str, source: str) -> str:
    """Return the SHA-256 of `file_name` from a publisher's checksum file. Raises ConfigError naming `source`."""
    found = FORMATS[kind](text, file_name)
    if not found or not _SHA256.fullmatch(found):
        raise ConfigError(f"{source} holds no SHA-256 for {file_name} (read as {kind!r}): {excerpt(text)}.")
    return found.lower()


def _bare(text: str, file_name: str) -> str | None:
    # Some publishers add the name even here; if so it has to be this one.
    words = text.split()
    names = [word.lstrip("*").removeprefix("./") for word in words[1:2]]
    return words[0] if words and names in ([], [file_name]) else None


def _sums(text: str, file_name: str) -> str | None:
    for words in (line.split() for line in text.splitlines()):
        if len(words) == 2 and words[1].lstrip("*").removeprefix("./") == file_name:
            return words[0]
    return None


def _github(text: str, file_name: str) -> str | None:
    """Read a release as described by the API of GitHub, which digests the assets of all publishers."""
    try:
        assets = json.loads(text)["assets"]
        digests = {asset["name"]: asset.get("digest") or "" for asset in assets}
    except (ValueError, KeyError, TypeError):
        return None
    return str(digests.get(file_name, "")).removeprefix("sha256:")


FORMATS: Mapping[str, Callable[[str, str], str | None]] = {"bare": _bare, "sums": _sums, "github": _github}
