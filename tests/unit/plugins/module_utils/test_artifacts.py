# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._artifacts import (
    Artifact,
    Pinned,
    artifact_from,
    mirrored,
    pin_all,
    read_checksum,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ApiError, ConfigError
from ansible_collections.flotilla.coreos.plugins.module_utils._http import PlainHttp
from tests.unit.account_fakes import Answer, FakeClock, Request, StubServer

SUM = hashlib.sha256(b"kubelet").hexdigest()
URL = "https://dl.k8s.io/release/v1.37.2/bin/linux/amd64/kubelet"


class FakeHttp:
    """Files by URL; everything else is a 404."""

    def __init__(self, **texts: str) -> None:
        self.texts: dict[str, str] = {URL: "kubelet", **texts}

    def get_text(self, url: str) -> str:
        if url not in self.texts:
            raise ApiError(f"GET {url}: HTTP 404, 'nothing here'.", status=404)
        return self.texts[url]

    def size_bytes(self, url: str) -> int | None:
        return len(self.get_text(url))


def kubelet(**more: str) -> Artifact:
    return Artifact(name="kubelet", url=URL, **more)


def test_pinned_checksum_is_kept_and_the_file_is_looked_for() -> None:
    assert pin_all([kubelet(sha256=SUM.upper())], "", FakeHttp()) == [Pinned(sha256=SUM, urls=(URL,), size_bytes=7)]


def test_published_checksum_is_read() -> None:
    http = FakeHttp(**{URL + ".sha256": SUM + "\n"})
    assert pin_all([kubelet(checksum_url=URL + ".sha256")], "", http)[0].sha256 == SUM


def test_mirror_is_asked_first_and_has_its_own_checksum_file() -> None:
    at_mirror = "http://mirror.example/m/dl.k8s.io/release/v1.37.2/bin/linux/amd64/kubelet"
    http = FakeHttp(**{at_mirror: "kubelet", at_mirror + ".sha256": SUM})
    (pinned,) = pin_all([kubelet(checksum_url=URL + ".sha256")], "http://mirror.example/m/", http)
    assert pinned.to_result() == {"sha256": SUM, "urls": [at_mirror, URL], "size_bytes": 7}


def test_mirror_layout_is_host_and_path() -> None:
    assert mirrored("http://m", "https://github.com/a/b.tgz") == "http://m/github.com/a/b.tgz"


FORMS = [
    ("bare", SUM),
    ("bare", f"{SUM}\n"),
    ("bare", f"{SUM}  kubelet\n"),
    ("sums", f"{'0' * 64}  other\n{SUM}  kubelet\n"),
    ("sums", f"{SUM} *kubelet"),
    ("sums", f"{SUM}  ./kubelet"),
    ("github", json.dumps({"assets": [{"name": "x"}, {"name": "kubelet", "digest": f"sha256:{SUM}"}]})),
]


@pytest.mark.parametrize(("kind", "text"), FORMS)
def test_checksum_is_found_in_each_publishers_form(kind: str, text: str) -> None:
    assert read_checksum(text, kind, file_name="kubelet", source="s") == SUM


BAD_FORMS = [
    ("bare", ""),
    ("bare", "<html>Not found</html>"),
    ("bare", f"{SUM}  kubectl"),
    ("bare", hashlib.sha512(b"x").hexdigest()),
    ("sums", f"{SUM}  kubectl\n"),
    ("github", "[]"),
    ("github", "rate limited"),
    ("github", json.dumps({"assets": [{"name": "kubelet", "digest": None}]})),
    ("github", json.dumps({"assets": [{"name": "kubelet", "digest": "sha512:00"}]})),
]


@pytest.mark.parametrize(("kind", "text"), BAD_FORMS)
def test_file_without_the_checksum_is_refused_with_its_source(kind: str, text: str) -> None:
    with pytest.raises(ConfigError, match="https://x/sums holds no SHA-256 for kubelet"):
        read_checksum(text, kind, file_name="kubelet", source="https://x/sums")


def test_all_problems_are_told_at_once_each_with_artifact_and_url() -> None:
    artifacts = [
        kubelet(checksum_url="https://x/none"),
        Artifact(name="flanneld", url="https://github.com/f/flanneld"),
        Artifact(name="etcd", url="http://plain.example/etcd", sha256=SUM),
        Artifact(name="cni", url="https://github.com/c/cni.tgz", sha256="abc"),
        Artifact(name="gone", url="https://github.com/g/gone", sha256=SUM),
    ]
    with pytest.raises(ConfigError) as caught:
        pin_all(artifacts, "", FakeHttp())
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "Artifact kubelet",
        "Artifact flanneld",
        "Artifact etcd",
        "Artifact cni",
        "Artifact gone",
    ]
    text = str(caught.value)
    assert "GET https://x/none: HTTP 404" in text
    assert "https://github.com/f/flanneld has no published checksum: set its sha256" in text
    assert "http://plain.example/etcd is no https URL" in text
    assert "its sha256 is 'abc'" in text
    assert "GET https://github.com/g/gone: HTTP 404" in text


def test_checksum_from_a_plain_http_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="http://x/sums is no https URL"):
        pin_all([kubelet(checksum_url="http://x/sums")], "", FakeHttp())


def test_artifact_is_read_from_a_variable_with_keys_of_others_in_it() -> None:
    item = {"name": "kubelet", "url": URL, "dest": "/opt/bin/kubelet", "checksum_format": "sums", "sha256": None}
    assert artifact_from(item) == Artifact(name="kubelet", url=URL, checksum_format="sums")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"name": "kubelet"}, "has no url"),
        ({"url": URL}, "has no name"),
        ({"name": "kubelet", "url": URL, "checksum_format": "md5"}, "must be one of bare, sums, github"),
    ],
)
def test_artifact_that_is_incomplete_is_refused(item: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        artifact_from(item)


@pytest.fixture
def mirror() -> Iterator[StubServer]:
    def respond(request: Request) -> Answer:
        return Answer(body=b"x" * 12) if request.path == "/there" else Answer(404, b"nothing")

    with StubServer(respond).running() as server:
        yield server


def test_size_comes_from_the_head_of_the_file(mirror: StubServer, clock: FakeClock) -> None:
    assert PlainHttp(clock).size_bytes(f"{mirror.url}/there") == 12
    assert mirror.requests[0].method == "HEAD"


def test_missing_file_is_told_without_retries(mirror: StubServer, clock: FakeClock) -> None:
    with pytest.raises(ApiError, match="HEAD http://.*/gone: HTTP 404"):
        PlainHttp(clock).size_bytes(f"{mirror.url}/gone")
    assert len(mirror.requests) == 1
