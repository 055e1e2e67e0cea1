# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from local_cloud.build.errors import BuildError
from local_cloud.build.oci import ImageConfig, LayerWriter, make_image, write_layer
from local_cloud.build.registry import RegistryClient


@dataclass
class Registry:
    """What a registry was sent, checked the way a real one does."""

    url: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    registry: Registry

    def do_POST(self) -> None:
        self._answer(202, location=f"{self.path}some-id?_state=abc")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "/manifests/" in self.path:
            self.registry.manifests[self.path] = body
            self._answer(201)
            return
        query = parse_qs(urlsplit(self.path).query)
        digest = query["digest"][0]
        is_right = query["_state"] == ["abc"] and digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.registry.blobs[digest] = body
        self._answer(201 if is_right else 400)

    def _answer(self, status: int, *, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Requests are no news here."""


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    handler = type("BoundHandler", (Handler,), {"registry": registry})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        registry.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


def fill(layer: LayerWriter) -> None:
    layer.add_text("hello", "greeting")


def test_push_sends_every_blob_and_then_the_manifest(registry: Registry, tmp_path: Path) -> None:
    image = make_image(ImageConfig(entrypoint=("/x",)), [write_layer(tmp_path / "layer.tar", fill)], tmp_path)
    RegistryClient(registry.url).push("group/name", "v1", image)
    assert {blob.digest: blob.path.read_bytes() for blob in image.blobs} == registry.blobs
    assert registry.manifests == {"/v2/group/name/manifests/v1": image.manifest}


def test_refusal_says_what_was_asked_and_answered(registry: Registry) -> None:
    with pytest.raises(BuildError, match=f"answered 501 to GET {registry.url}/v2/"):
        RegistryClient(registry.url).wait_until_up(timeout_s=0)


def test_wait_for_a_registry_that_never_starts_says_how_long() -> None:
    with pytest.raises(BuildError, match=r"did not start within 0 s: .*did not answer GET"):
        RegistryClient("http://127.0.0.1:9").wait_until_up(timeout_s=0)
