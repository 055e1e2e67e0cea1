# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each droplet may be, and the check of what it asks to be.

The controller writes subject, names and usages of every certificate itself, from what the cloud's API says about the
droplet. A request that holds anything else is a fault or an attack, and is refused rather than trimmed.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import ETCD, FRONT_PROXY, KUBERNETES
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.x509 import (
    Contents,
    PkiError,
    load_request,
    read_names,
)

__all__ = ["ClusterNames", "Droplet", "Grant", "RefusedRequestError", "check_request", "grants_for"]

_BOTH = frozenset({"client", "server"})
_SERVER = frozenset({"server"})
_ALLOWED_EXTENSIONS = (x509.SubjectAlternativeName, x509.SubjectKeyIdentifier)
_USAGE_NAMES = {ExtendedKeyUsageOID.CLIENT_AUTH: "client", ExtendedKeyUsageOID.SERVER_AUTH: "server"}


class RefusedRequestError(NodeError):
    """A node asked for more than it may be."""

    def __init__(self, node: str, request: str, *, asked: str, allowed: str) -> None:
        super().__init__(
            node,
            f"refused to sign the request {request}: it asks for {asked}, but this droplet may have {allowed}. "
            "Nothing was signed for this node; if the droplet is as you made it, destroy it and run again.",
        )
        self.request = request
        self.asked = asked
        self.allowed = allowed

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, with what was asked and what is allowed."""
        return super().as_failure() | {"request": self.request, "asked": self.asked, "allowed": self.allowed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Droplet:
    """A droplet as the cloud's API describes it."""

    name: str
    is_control_plane: bool
    private_ipv4: str
    public_ipv4: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNames:
    """Names and addresses under which the whole cluster's API server is known."""

    cluster_domain: str
    service_api_ip: str
    api_endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One certificate that a droplet gets: who signs it and what it says."""

    authority: str
    contents: Contents


def grants_for(droplet: Droplet, cluster: ClusterNames) -> dict[str, Grant]:
    """Return every certificate that the droplet gets, by the request's path without its suffix."""
    grants = _worker_grants(droplet)
    if droplet.is_control_plane:
        grants |= _control_plane_grants(droplet, cluster)
    return grants


def check_request(node: str, name: str, pem: bytes, grant: Grant) -> ec.EllipticCurvePublicKey:
    """Return the request's public key if it proves possession of it and holds nothing beyond the grant.

    Raises RefusedRequestError.
    """

    def refuse(asked: str, allowed: str) -> RefusedRequestError:
        return RefusedRequestError(node, name, asked=asked, allowed=allowed)

    try:
        request = load_request(pem)
    except PkiError as error:
        raise refuse(str(error), "a PEM certificate request") from error
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise refuse(f"a certificate for a key of type {_key_type(key)}", "ECDSA keys on the curve P-256 only")
    if not request.is_signature_valid:
        raise refuse("a certificate for a key that it has not signed with", "certificates for its own keys only")
    for asked, allowed in _excesses(request, grant.contents):
        raise refuse(asked, allowed)
    return key


def _excesses(request: x509.CertificateSigningRequest, granted: Contents) -> list[tuple[str, str]]:
    """Return what the request holds beyond the grant, as pairs of (asked, allowed)."""
    found = _subject_excesses(request, granted)
    try:
        dns_names, ip_addresses = read_names(request.extensions)
    except ValueError as error:
        return [*found, (str(error), "host names and IP addresses only")]
    for kind, asked, allowed in (
        ("host names", dns_names, granted.dns_names),
        ("IP addresses", ip_addresses, granted.ip_addresses),
    ):
        if extra := sorted(asked - allowed):
            found.append((f"the {kind} {', '.join(extra)}", ", ".join(sorted(allowed)) or "none"))
    return found + [excess for one in request.extensions if (excess := _extension_excess(one, granted))]


def _subject_excesses(request: x509.CertificateSigningRequest, granted: Contents) -> list[tuple[str, str]]:
    found = []
    for attribute in request.subject:
        value = str(attribute.value)
        if attribute.oid == NameOID.COMMON_NAME:
            if value != granted.common_name:
                found.append((f"the common name {value}", granted.common_name))
        elif attribute.oid == NameOID.ORGANIZATION_NAME:
            if value not in granted.organizations:
                found.append((f"the organization {value}", ", ".join(granted.organizations) or "no organization"))
        else:
            found.append((f"the subject attribute {attribute.rfc4514_string()}", "common name and organization only"))
    return found


def _extension_excess(extension: x509.Extension[x509.ExtensionType], granted: Contents) -> tuple[str, str] | None:
    value = extension.value
    if isinstance(value, _ALLOWED_EXTENSIONS):
        return None
    if isinstance(value, x509.BasicConstraints):
        return ("the right to sign certificates", "leaf certificates only") if value.ca else None
    if isinstance(value, x509.KeyUsage):
        signs = value.key_cert_sign or value.crl_sign
        return ("the right to sign certificates", "leaf certificates only") if signs else None
    if isinstance(value, x509.ExtendedKeyUsage):
        asked = {_USAGE_NAMES.get(identifier, identifier.dotted_string) for identifier in value}
        extra = sorted(asked - granted.usages)
        return (f"use as {', '.join(extra)}", ", ".join(sorted(granted.usages))) if extra else None
    return (f"the extension {extension.oid.dotted_string}", "no extension but its names")


def _key_type(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name
    return type(key).__name__.strip("_").removesuffix("PublicKey")


def _worker_grants(droplet: Droplet) -> dict[str, Grant]:
    node = Contents(common_name=f"system:node:{droplet.name}", organizations=("system:nodes",))
    serving = Contents(
        common_name=node.common_name,
        organizations=node.organizations,
        dns_names=frozenset({droplet.name}),
        ip_addresses=frozenset({droplet.private_ipv4, droplet.public_ipv4}),
        usages=_SERVER,
    )
    return {
        "kubelet": Grant(authority=KUBERNETES, contents=node),
        "kubelet-server": Grant(authority=KUBERNETES, contents=serving),
        "kube-proxy": _client(KUBERNETES, "system:kube-proxy"),
        "etcd/flannel": _client(ETCD, "flannel"),
        "etcd/node": _client(ETCD, "node"),
    }


def _control_plane_grants(droplet: Droplet, cluster: ClusterNames) -> dict[str, Grant]:
    return {
        "apiserver": Grant(authority=KUBERNETES, contents=_apiserver(droplet, cluster)),
        "apiserver-kubelet-client": _client(KUBERNETES, "kube-apiserver-kubelet-client"),
        "front-proxy-client": _client(FRONT_PROXY, "front-proxy-client"),
        "controller-manager": _client(KUBERNETES, "system:kube-controller-manager"),
        "scheduler": _client(KUBERNETES, "system:kube-scheduler"),
        "super-admin": _client(KUBERNETES, "kubernetes-super-admin", "system:masters"),
        "etcd/server": Grant(
            authority=ETCD,
            contents=Contents(
                common_name="etcd-server",
                dns_names=frozenset({droplet.name, "localhost"}),
                ip_addresses=frozenset({droplet.private_ipv4, "127.0.0.1"}),
                usages=_BOTH,
            ),
        ),
        "etcd/peer": Grant(
            authority=ETCD,
            contents=Contents(
                common_name="etcd-peer",
                dns_names=frozenset({droplet.name}),
                ip_addresses=frozenset({droplet.private_ipv4}),
                usages=_BOTH,
            ),
        ),
        "etcd/kube-apiserver": _client(ETCD, "kube-apiserver"),
        "etcd/control-plane": _client(ETCD, "control-plane"),
        "etcd/root": _client(ETCD, "root"),
    }


def _apiserver(droplet: Droplet, cluster: ClusterNames) -> Contents:
    endpoints = {name: _is_ip_address(name) for name in cluster.api_endpoints}
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    names = {droplet.name, "localhost", *service, f"{service[-1]}.{cluster.cluster_domain}"}
    addresses = {"127.0.0.1", droplet.private_ipv4, droplet.public_ipv4, cluster.service_api_ip}
    return Contents(
        common_name="kube-apiserver",
        dns_names=frozenset(names | {name for name, is_address in endpoints.items() if not is_address}),
        ip_addresses=frozenset(addresses | {name for name, is_address in endpoints.items() if is_address}),
        usages=_SERVER,
    )


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _client(authority: str, common_name: str, *organizations: str) -> Grant:
    return Grant(authority=authority, contents=Contents(common_name=common_name, organizations=organizations))
