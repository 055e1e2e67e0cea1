# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import io
import socket
import tarfile
from pathlib import Path

import pytest

from local_cloud.build.binaries import binaries_step
from local_cloud.build.components import Component
from local_cloud.build.errors import BuildError, ChecksumError
from local_cloud.build.golang import GoModule
from local_cloud.build.step import Work
from local_cloud.build.upstream import Release, download, published_checksum

CONTENT = b"a program"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def no_note(text: str) -> None:
    """Progress is of no interest here."""


def publish(upstream: tuple[str, Path], checksums: str, *, content: bytes = CONTENT, name: str = "tool") -> Release:
    url, folder = upstream
    (folder / name).write_bytes(content)
    (folder / f"{name}.sha256").write_text(checksums)
    return Release(url=f"{url}/{name}", checksum_url=f"{url}/{name}.sha256")


@pytest.mark.parametrize(
    "checksums",
    [f"{SHA256}\n", SHA256, f"{'0' * 64}  other\n{SHA256}  tool\n", f"{SHA256} *bin/tool\n"],
    ids=["bare", "bare without newline", "sums", "binary mode with folder"],
)
def test_checksum_is_read_in_each_published_form(upstream: tuple[str, Path], checksums: str) -> None:
    assert published_checksum(publish(upstream, checksums)) == SHA256


@pytest.mark.parametrize(
    "checksums", ["", "<html>please log in</html>", f"{SHA256}  other\n", SHA256[:40]],
    ids=["empty", "page", "another file", "another hash"],
)  # fmt: skip
def test_answer_without_the_checksum_counts_as_no_upstream(upstream: tuple[str, Path], checksums: str) -> None:
    assert published_checksum(publish(upstream, checksums)) is None


def test_missing_checksum_file_counts_as_no_upstream(upstream: tuple[str, Path]) -> None:
    url, _ = upstream
    assert published_checksum(Release(url=f"{url}/tool", checksum_url=f"{url}/none")) is None


def test_upstream_that_does_not_answer_is_given_up_after_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/tool"
        assert published_checksum(Release(url=url, checksum_url=url), timeout_s=0.1) is None


def test_download_with_the_right_checksum_is_kept(upstream: tuple[str, Path], tmp_path: Path) -> None:
    notes: list[str] = []
    target = tmp_path / "kept" / "tool"
    download(publish(upstream, SHA256), SHA256, target, notes.append)
    assert target.read_bytes() == CONTENT
    assert notes == ["tool: 0 MiB received"]


def test_download_with_a_wrong_checksum_is_named_and_removed(upstream: tuple[str, Path], tmp_path: Path) -> None:
    release = publish(upstream, SHA256, content=b"something else")
    with pytest.raises(ChecksumError) as raised:
        download(release, SHA256, tmp_path / "tool", no_note)
    assert release.url in str(raised.value)
    assert hashlib.sha256(b"something else").hexdigest() in str(raised.value)
    assert SHA256 in str(raised.value)
    assert not (tmp_path / "tool").exists()


def test_failed_download_names_the_address(upstream: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = upstream
    with pytest.raises(BuildError, match=f"Could not download {url}/gone: .*404"):
        download(Release(url=f"{url}/gone", checksum_url=url), SHA256, tmp_path / "gone", no_note)


def archive(member: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        entry = tarfile.TarInfo(member)
        entry.size = len(CONTENT)
        packed.addfile(entry, io.BytesIO(CONTENT))
    return out.getvalue()


def make(components: list[Component], work: Work, tmp_path: Path) -> Path:
    """Make a binaries step in a Go module that cannot be built, so only upstream can deliver."""
    (tmp_path / "module").mkdir()
    step = binaries_step(GoModule(name="tools", folder=tmp_path / "module"), components, disk_gib=0)
    (tmp_path / "made").mkdir()
    step.make(tmp_path / "made", work)
    return tmp_path / "made"


def test_reachable_releases_are_taken_instead_of_built(upstream: tuple[str, Path], work: Work, tmp_path: Path) -> None:
    packed = archive("./bin/packed")
    bare = publish(upstream, SHA256)
    in_archive = publish(upstream, hashlib.sha256(packed).hexdigest(), content=packed, name="packed.tgz")
    in_archive = Release(url=in_archive.url, checksum_url=in_archive.checksum_url, programs={"packed": "./bin/packed"})
    made = make([Component(name="tools", packages={"tool": "x"}, releases=(bare, in_archive))], work, tmp_path)
    assert sorted(path.name for path in (made / "bin").iterdir()) == ["packed", "tool"]
    assert all(path.read_bytes() == CONTENT and path.stat().st_mode & 0o111 for path in (made / "bin").iterdir())
    assert (made / "downloads" / in_archive.mirror_path).read_bytes() == packed


def test_archive_without_the_program_is_named(upstream: tuple[str, Path], work: Work, tmp_path: Path) -> None:
    packed = archive("other")
    release = publish(upstream, hashlib.sha256(packed).hexdigest(), content=packed, name="packed.tgz")
    release = Release(url=release.url, checksum_url=release.checksum_url, programs={"tool": "tool"})
    with pytest.raises(BuildError, match=r"packed\.tgz has no file tool"):
        make([Component(name="tools", packages={"tool": "x"}, releases=(release,))], work, tmp_path)


def test_component_without_releases_is_built(work: Work, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="go ended with status"):
        make([Component(name="tools", packages={"tool": "example.invalid/tool"})], work, tmp_path)
