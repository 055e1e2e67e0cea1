# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's worth of keys and requests, made once for a test session: keys are the slow part."""

from __future__ import annotations

import datetime
import ipaddress
from typing import TYPE_CHECKING, Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import Authorities, mint
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import ClusterNames, Droplet, grants_for
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.x509 import new_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


class MakeRequest(Protocol):
    def __call__(
        self,
        *,
        cn: str | None = None,
        organizations: Sequence[str] = (),
        dns: Sequence[str] = (),
        ips: Sequence[str] = (),
        extensions: Sequence[x509.ExtensionType] = (),
        key: CertificateIssuerPrivateKeyTypes | None = None,
    ) -> bytes: ...


@pytest.fixture(scope="session")
def make_request() -> MakeRequest:
    shared_key = new_key()

    def make(
        *,
        cn: str | None = None,
        organizations: Sequence[str] = (),
        dns: Sequence[str] = (),
        ips: Sequence[str] = (),
        extensions: Sequence[x509.ExtensionType] = (),
        key: CertificateIssuerPrivateKeyTypes | None = None,
    ) -> bytes:
        subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
        if cn is not None:
            subject.append(x509.NameAttribute(NameOID.COMMON_NAME, cn))
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
        names = [*map(x509.DNSName, dns), *(x509.IPAddress(ipaddress.ip_address(one)) for one in ips)]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(key or shared_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    return make


@pytest.fixture(scope="session")
def authorities() -> Authorities:
    return mint("demo", now=NOW)


@pytest.fixture(scope="session")
def other_authorities() -> Authorities:
    return mint("other", now=NOW)


@pytest.fixture
def control_plane() -> Droplet:
    return Droplet(
        name="demo-control-plane-1", is_control_plane=True, private_ipv4="10.135.0.2", public_ipv4="198.51.100.2"
    )


@pytest.fixture
def worker() -> Droplet:
    return Droplet(name="demo-worker-1", is_control_plane=False, private_ipv4="10.135.0.3", public_ipv4="198.51.100.3")


@pytest.fixture
def cluster() -> ClusterNames:
    return ClusterNames(
        cluster_domain="cluster.local", service_api_ip="10.245.0.1", api_endpoints=("api.example.org", "203.0.113.9")
    )


@pytest.fixture
def requests_of(make_request: MakeRequest, cluster: ClusterNames):  # type: ignore[no-untyped-def]  # a fixture's factory
    def make(droplet: Droplet) -> dict[str, bytes]:
        return {
            name: make_request(
                cn=grant.contents.common_name,
                organizations=grant.contents.organizations,
                dns=sorted(grant.contents.dns_names),
                ips=sorted(grant.contents.ip_addresses),
            )
            for name, grant in grants_for(droplet, cluster).items()
        }

    return make
