# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import tarfile

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._node import archive
from ansible_collections.flotilla.coreos.plugins.module_utils._node.archive import ArchiveError, File, pack, unpack


def tar_with(**fields):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(fields.pop("name"))
        for name, value in fields.items():
            setattr(entry, name, value)
        tar.addfile(entry, io.BytesIO(b"x" * entry.size))
    return buffer.getvalue()


def test_what_is_packed_is_unpacked():
    files = [File(path="etcd/ca.crt", content=b"ca"), File(path="sa.key", content=b"\x00key", mode=0o600)]
    assert unpack(pack(files)) == {"etcd/ca.crt": b"ca", "sa.key": b"\x00key"}


def test_same_files_in_any_order_give_the_same_bytes():
    one, two = File(path="a", content=b"1"), File(path="b", content=b"2")
    assert pack([one, two]) == pack([two, one])


def test_modes_and_owner_are_root_s():
    with tarfile.open(fileobj=io.BytesIO(pack([File(path="a", content=b"", mode=0o600)]))) as tar:
        entry = tar.getmember("a")
    assert (entry.mode, entry.uid, entry.gid, entry.uname) == (0o600, 0, 0, "root")


def test_leading_dot_of_tar_is_dropped():
    assert unpack(tar_with(name="./kubelet.csr", size=1)) == {"kubelet.csr": b"x"}


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "a/../../b", ""])
def test_path_that_leads_out_is_neither_packed_nor_read(path):
    with pytest.raises(ArchiveError, match="leads out of its folder"):
        pack([File(path=path, content=b"")])
    if path:
        with pytest.raises(ArchiveError, match="leads out of its folder"):
            unpack(tar_with(name=path))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_anything_but_plain_files_is_refused(kind):
    with pytest.raises(ArchiveError, match="no plain file"):
        unpack(tar_with(name="kubelet.csr", type=kind, linkname="/etc/shadow"))


def test_flood_is_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 10)
    with pytest.raises(ArchiveError, match="too large"):
        unpack(tar_with(name="kubelet.csr", size=11))


def test_noise_is_refused():
    with pytest.raises(ArchiveError, match="5 bytes that are no tar archive"):
        unpack(b"hello")
