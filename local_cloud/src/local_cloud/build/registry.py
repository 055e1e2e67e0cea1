# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import http.client
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

from local_cloud.build import images, oci
from local_cloud.build.errors import BuildError
from local_cloud.build.images import IMAGE_NEEDS, image_specs, make
from local_cloud.build.keys import tree_digest
from local_cloud.build.oci import MANIFEST_TYPE, Blob, Image
from local_cloud.build.step import Step, Work

__all__ = ["RegistryClient", "registry_step"]

_TIMEOUT_S = 60.0
_START_TIMEOUT_S = 20.0
_POLL_S = 0.05
_CONFIG = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {storage}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
# Seen from the chroot; /mnt is empty in every Debian root.
_STORAGE = "/mnt"


def registry_step() -> Step:
    """The storage of a docker-registry that has every image: pushed to one, so it is what a registry makes of it."""
    recipe = (tree_digest(Path(source)) for source in (images.__file__, oci.__file__))
    return Step(
        name="registry",
        make=_make,
        inputs=(*map(repr, image_specs()), *recipe),
        needs=(*IMAGE_NEEDS, "services"),
        disk_gib=1,
    )


def _make(folder: Path, work: Work) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    with _server(folder, work) as client:
        for spec in image_specs():
            work.note(f"image {spec.repository}:{spec.tag}")
            with make(spec, scratch, work) as image:
                client.push(spec.repository, spec.tag, image)
    shutil.rmtree(scratch)


@contextmanager
def _server(storage: Path, work: Work) -> Iterator[RegistryClient]:
    """Debian's registry, on loopback, from the services' root and over the storage."""
    port = _free_port()
    config = storage / "scratch" / "config.yml"
    config.write_text(_CONFIG.format(storage=_STORAGE, port=port))
    root = work.result("services") / "rootfs"
    script = 'mount --bind "$1" "$2/mnt" && exec chroot "$2" docker-registry serve /mnt/scratch/config.yml'
    process = work.commands.start(["sh", "-c", script, "registry", str(storage), str(root)], log=work.log, sandbox=True)
    try:
        client = RegistryClient(f"http://127.0.0.1:{port}")
        client.wait_until_up(timeout_s=_START_TIMEOUT_S)
        yield client
    finally:
        work.commands.end(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class RegistryClient:
    """Pushes images by the OCI distribution API."""

    def __init__(self, url: str) -> None:
        self._url = url

    def wait_until_up(self, *, timeout_s: float) -> None:
        """Raises BuildError if the registry does not answer in time."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                self._request("GET", f"{self._url}/v2/")
                return
            except BuildError as error:
                if time.monotonic() > deadline_s:
                    raise BuildError(f"The image registry did not start within {timeout_s:.0f} s: {error}") from error
            time.sleep(_POLL_S)

    def push(self, repository: str, tag: str, image: Image) -> None:
        """Upload the blobs that the repository lacks, then the manifest under its tag."""
        for blob in image.blobs:
            self._push_blob(repository, blob)
        self._request(
            "PUT", f"{self._url}/v2/{repository}/manifests/{tag}", body=image.manifest, content_type=MANIFEST_TYPE
        )

    def _push_blob(self, repository: str, blob: Blob) -> None:
        location = self._request("POST", f"{self._url}/v2/{repository}/blobs/uploads/")
        target = urljoin(self._url, location)
        separator = "&" if urlsplit(target).query else "?"
        self._request("PUT", f"{target}{separator}{urlencode({'digest': blob.digest})}", body=blob.path)

    def _request(
        self, method: str, url: str, *, body: bytes | Path = b"", content_type: str = "application/octet-stream"
    ) -> str:
        """Send one request; returns the Location of the answer, or nothing."""
        request = urllib.request.Request(url, method=method, headers={"Content-Type": content_type})
        try:
            with _opened(body, request), urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                return str(answer.headers.get("Location", ""))
        except urllib.error.HTTPError as error:
            raise BuildError(f"The image registry answered {error.code} to {method} {url}: {error.read()!r}") from error
        except (OSError, http.client.HTTPException) as error:
            raise BuildError(f"The image registry did not answer {method} {url}: {error}") from error


@contextmanager
def _opened(body: bytes | Path, request: urllib.request.Request) -> Iterator[None]:
    """Give the request its body; a file goes out as it is read."""
    if isinstance(body, bytes):
        request.data = body or None
        yield
        return
    with body.open("rb") as content:
        request.data = content
        request.add_header("Content-Length", str(body.stat().st_size))
        yield
