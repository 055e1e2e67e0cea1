# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The little of the Kubernetes API that verification needs, with the administrator's kubeconfig."""

from __future__ import annotations

import base64
import binascii
import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Answer", "KubeApi", "NoAnswerError", "open_api"]

# Connect, then read: the API server may take its time while it starts.
TIMEOUT_S = (3.0, 10.0)


class NoAnswerError(CollectionError):
    """The API server could not be reached, or not be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of the API server: its status and its body, as text and, where it is JSON, as an object."""

    status: int
    text: str
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """What to tell of an answer that is no success."""
        return f"{self.status} {self.body.get('message') or self.text[:120]}".strip()


class KubeApi:
    """An API server. Threads may share it: each request has a connection of its own from requests' pool."""

    def __init__(self, server: str, session: requests.Session) -> None:
        self.server = server
        self._session = session

    def get(self, path: str, **query: str) -> Answer:
        """Get a path, following redirects. Raises NoAnswerError."""
        return self._send("GET", path, params=query)

    def create(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Create an object in the collection at that path. Raises NoAnswerError."""
        return self._send("POST", path, json=body)

    def delete(self, path: str, **query: str) -> Answer:
        """Delete an object, or all objects of a collection that a selector picks. Raises NoAnswerError."""
        return self._send("DELETE", path, params={"propagationPolicy": "Background", **query})

    def _send(self, method: str, path: str, **arguments: Any) -> Answer:
        try:
            # Said anew for each request: otherwise REQUESTS_CA_BUNDLE in the environment wins over the session's own.
            arguments["verify"] = self._session.verify
            response = self._session.request(method, f"{self.server}{path}", timeout=TIMEOUT_S, **arguments)
        except requests.RequestException as error:
            raise NoAnswerError(f"no answer from {self.server}: {_cause(error)}") from error
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        try:
            body = response.json() if is_json else {}
        except ValueError:
            body = {}
        return Answer(status=response.status_code, text=response.text, body=body if isinstance(body, dict) else {})


@contextlib.contextmanager
def open_api(kubeconfig: Path) -> Iterator[KubeApi]:
    """Read the kubeconfig and give the API that it leads to. Raises ConfigError.

    TLS libraries want keys as files, so they lie in a folder of this user's alone meanwhile.
    """
    server, files = _read_kubeconfig(kubeconfig)
    with tempfile.TemporaryDirectory(prefix="flotilla-verify-") as folder, requests.Session() as session:
        for name, content in files.items():
            path = Path(folder) / name
            path.touch(mode=0o600)
            path.write_bytes(content)
        session.verify = str(Path(folder) / "ca.crt")
        session.cert = (str(Path(folder) / "client.crt"), str(Path(folder) / "client.key"))
        yield KubeApi(server, session)


def _read_kubeconfig(path: Path) -> tuple[str, dict[str, bytes]]:
    try:
        config = yaml.safe_load(path.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        files = {
            "ca.crt": base64.b64decode(cluster["certificate-authority-data"]),
            "client.crt": base64.b64decode(user["client-certificate-data"]),
            "client.key": base64.b64decode(user["client-key-data"]),
        }
        return str(cluster["server"]).rstrip("/"), files
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there: the certificates stage of site.yml writes it") from None
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError, binascii.Error) as error:
        raise ConfigError(f"{path} is no kubeconfig that can be read ({type(error).__name__})") from error


def _cause(error: BaseException) -> str:
    """Return the innermost reason: the outer ones repeat the URL and name Python objects."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _cause(reason)
    return str(error).rpartition(": ")[2] or type(error).__name__
