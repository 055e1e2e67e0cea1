# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import Authorities, mint
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.x509 import PkiError

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


def test_files_are_read_back_as_the_same_authorities(authorities):
    assert Authorities.from_files(authorities.to_files()).is_same_as(authorities)


def test_two_mints_share_nothing(authorities, other_authorities):
    ours, theirs = authorities.to_files(), other_authorities.to_files()
    assert ours.keys() == theirs.keys()
    assert not set(ours.values()) & set(theirs.values())


def test_authorities_last_ten_years():
    for authority in mint("demo", now=NOW).by_name.values():
        assert authority.certificate.not_valid_after_utc == NOW + datetime.timedelta(days=3650)


DAMAGES = [
    pytest.param("etcd-ca.key", None, "etcd-ca.key is missing", id="missing"),
    pytest.param("sa.key", b"", "no private key that can be read", id="empty key"),
    pytest.param("kubernetes-ca.crt", b"x", "no certificate that can be read", id="broken certificate"),
    pytest.param("encryption.key", b"c2hvcnQ=\n", "encryption.key does not hold 32 bytes in base64", id="short key"),
    pytest.param("encryption.key", b"\xff\xfe", "encryption.key does not hold 32 bytes in base64", id="binary key"),
]


@pytest.mark.parametrize(("name", "content", "message"), DAMAGES)
def test_damaged_set_is_not_used(authorities, name, content, message):
    files = authorities.to_files()
    if content is None:
        del files[name]
    else:
        files[name] = content
    with pytest.raises(PkiError, match=message):
        Authorities.from_files(files)


def test_key_of_another_authority_is_noticed(authorities, other_authorities):
    files = authorities.to_files() | {"etcd-ca.key": other_authorities.to_files()["etcd-ca.key"]}
    with pytest.raises(PkiError, match="etcd-ca.key is not the key of etcd-ca.crt"):
        Authorities.from_files(files)


def test_error_about_a_key_never_shows_it():
    files = {
        "etcd-ca.crt": b"",
        "etcd-ca.key": b"-----BEGIN EC PRIVATE KEY-----\nSECRET\n-----END EC PRIVATE KEY-----\n",
    }
    with pytest.raises(PkiError) as raised:
        Authorities.from_files(files)
    assert "SECRET" not in str(raised.value)
