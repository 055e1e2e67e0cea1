# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's authorities and shared keys: made once, kept on the control planes, read back ever after."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._pki.x509 import (
    Authority,
    PkiError,
    certificate_pem,
    is_signed_by,
    key_pem,
    load_certificate,
    load_private_key,
    make_authority,
    new_key,
    public_key_pem,
)

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["ETCD", "FRONT_PROXY", "KUBERNETES", "Authorities", "mint"]

ETCD = "etcd"
KUBERNETES = "kubernetes"
FRONT_PROXY = "front-proxy"
_ENCRYPTION_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorities:
    """Three authorities and two shared keys; never one key for two jobs."""

    by_name: Mapping[str, Authority]
    sa_key: ec.EllipticCurvePrivateKey
    encryption_key: str

    def to_files(self) -> dict[str, bytes]:
        """Return everything as files by name, the form in which a control plane keeps it."""
        files = {"sa.key": key_pem(self.sa_key), "encryption.key": f"{self.encryption_key}\n".encode()}
        for name, authority in self.by_name.items():
            files[f"{name}-ca.crt"] = certificate_pem(authority.certificate)
            files[f"{name}-ca.key"] = key_pem(authority.key)
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Authorities:
        """Read what `to_files` wrote. Raises PkiError for a missing, broken or mismatched file."""
        by_name = {name: _read_authority(name, files) for name in (ETCD, KUBERNETES, FRONT_PROXY)}
        encryption_key = _file(files, "encryption.key").decode("ascii", errors="replace").strip()
        try:
            is_complete = len(base64.b64decode(encryption_key, validate=True)) == _ENCRYPTION_KEY_BYTES
        except (binascii.Error, ValueError):
            is_complete = False
        if not is_complete:
            raise PkiError(f"encryption.key does not hold {_ENCRYPTION_KEY_BYTES} bytes in base64")
        sa_key = load_private_key(_file(files, "sa.key"))
        return cls(by_name=by_name, sa_key=sa_key, encryption_key=encryption_key)

    def is_same_as(self, other: Authorities) -> bool:
        """Return whether both are the same keys and certificates."""
        return self.to_files() == other.to_files()

    def authority_files(self, *, is_control_plane: bool) -> dict[str, bytes]:
        """Return the public certificates that a node trusts, by path under its pki folder."""
        files = {
            "ca.crt": certificate_pem(self.by_name[KUBERNETES].certificate),
            "etcd/ca.crt": certificate_pem(self.by_name[ETCD].certificate),
        }
        if is_control_plane:
            files["front-proxy-ca.crt"] = certificate_pem(self.by_name[FRONT_PROXY].certificate)
        return files

    def shared_files(self) -> dict[str, bytes]:
        """Return the secrets that all API servers share, by path under a control plane's pki folder."""
        return {
            "sa.key": key_pem(self.sa_key),
            "sa.pub": public_key_pem(self.sa_key.public_key()),
            "encryption.key": f"{self.encryption_key}\n".encode(),
        }


def mint(cluster_name: str, *, now: datetime.datetime) -> Authorities:
    """Return new authorities and keys. Only for a cluster that has none anywhere."""
    return Authorities(
        by_name={
            name: make_authority(f"{cluster_name}-{name}-ca", now=now) for name in (ETCD, KUBERNETES, FRONT_PROXY)
        },
        sa_key=new_key(),
        encryption_key=base64.b64encode(secrets.token_bytes(_ENCRYPTION_KEY_BYTES)).decode(),
    )


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise PkiError(f"{name} is missing")
    return files[name]


def _read_authority(name: str, files: Mapping[str, bytes]) -> Authority:
    certificate = load_certificate(_file(files, f"{name}-ca.crt"))
    key = load_private_key(_file(files, f"{name}-ca.key"))
    if public_key_pem(certificate.public_key()) != public_key_pem(key.public_key()):
        raise PkiError(f"{name}-ca.key is not the key of {name}-ca.crt")
    if not is_signed_by(certificate, certificate):
        raise PkiError(f"{name}-ca.crt has not signed itself")
    return Authority(certificate=certificate, key=key)
