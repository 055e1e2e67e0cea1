# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates: the few operations that this project needs, over the cryptography library."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

__all__ = [
    "Authority",
    "Contents",
    "PkiError",
    "Usage",
    "certificate_contents",
    "certificate_pem",
    "is_signed_by",
    "key_pem",
    "load_certificate",
    "load_private_key",
    "load_request",
    "make_authority",
    "new_key",
    "public_key_pem",
    "read_names",
    "sign",
]

AUTHORITY_DAYS = 3650
LEAF_DAYS = 365
# A droplet's clock may be behind the controller's until its first time synchronization.
BACKDATE = datetime.timedelta(minutes=10)

Usage = str
_USAGES: dict[Usage, x509.ObjectIdentifier] = {
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
}


class PkiError(CollectionError):
    """A key, request or certificate that cannot be read or does not belong where it was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a certificate says about its holder; two equal contents are worth the same."""

    common_name: str
    organizations: tuple[str, ...] = ()
    dns_names: frozenset[str] = frozenset()
    ip_addresses: frozenset[str] = frozenset()
    usages: frozenset[Usage] = frozenset({"client"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate that signs others, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a new P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def make_authority(common_name: str, *, now: datetime.datetime) -> Authority:
    """Return a new self-signed authority, good for ten years and for leaves only."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        _builder(now, AUTHORITY_DAYS)
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate=certificate, key=key)


def sign(
    authority: Authority, public_key: ec.EllipticCurvePublicKey, contents: Contents, *, now: datetime.datetime
) -> x509.Certificate:
    """Return a leaf certificate that says what `contents` says and nothing else, good for a year."""
    builder = (
        _builder(now, LEAF_DAYS)
        .subject_name(_subject(contents))
        .issuer_name(authority.certificate.subject)
        .public_key(public_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_USAGES[usage] for usage in sorted(contents.usages)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted(contents.dns_names)]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in sorted(contents.ip_addresses)]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def certificate_contents(certificate: x509.Certificate) -> Contents | None:
    """Return what a certificate says, or None where it says something that `sign` never writes."""
    attributes = list(certificate.subject)
    common_names = [str(one.value) for one in attributes if one.oid == NameOID.COMMON_NAME]
    organizations = [str(one.value) for one in attributes if one.oid == NameOID.ORGANIZATION_NAME]
    if len(common_names) != 1 or len(attributes) != 1 + len(organizations):
        return None
    try:
        usages = _read_usages(certificate)
        dns_names, ip_addresses = read_names(certificate.extensions)
    except (KeyError, ValueError, x509.ExtensionNotFound):
        return None
    return Contents(
        common_name=common_names[0],
        organizations=tuple(organizations),
        dns_names=dns_names,
        ip_addresses=ip_addresses,
        usages=usages,
    )


def read_names(extensions: x509.Extensions) -> tuple[frozenset[str], frozenset[str]]:
    """Return the subject's alternative names and addresses. Raises ValueError for any other kind of name."""
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset(), frozenset()
    dns_names = names.get_values_for_type(x509.DNSName)
    ip_addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    if len(dns_names) + len(ip_addresses) != len(list(names)):
        raise ValueError("alternative names that are neither host names nor IP addresses")
    return frozenset(dns_names), frozenset(ip_addresses)


def is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Return whether the authority's key has signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def load_request(pem: bytes) -> x509.CertificateSigningRequest:
    """Read a PEM request. Raises PkiError."""
    try:
        return x509.load_pem_x509_csr(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PkiError(f"no certificate request that can be read ({error})") from error


def load_certificate(pem: bytes) -> x509.Certificate:
    """Read a PEM certificate. Raises PkiError."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PkiError(f"no certificate that can be read ({error})") from error


def load_private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Read an unencrypted PEM key on an elliptic curve. Raises PkiError, without a word of the key."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PkiError("no private key that can be read") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PkiError("a private key of a kind that this collection never makes")
    return key


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Return the certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the key as unencrypted PEM, in the form that every component of Kubernetes reads."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def public_key_pem(key: PublicKeyTypes) -> bytes:
    """Return the public key as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _builder(now: datetime.datetime, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _subject(contents: Contents) -> x509.Name:
    # Organization first, as openssl and kubeadm write it.
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in contents.organizations]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, contents.common_name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _read_usages(certificate: x509.Certificate) -> frozenset[Usage]:
    names = {identifier: usage for usage, identifier in _USAGES.items()}
    extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    return frozenset(names[identifier] for identifier in extension.value)
