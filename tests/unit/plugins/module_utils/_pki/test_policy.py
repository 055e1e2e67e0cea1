# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import (
    RefusedRequestError,
    check_request,
    grants_for,
)

WORKER_NAMES = {"kubelet", "kubelet-server", "kube-proxy", "etcd/flannel", "etcd/node"}


def refusal(node, name, pem, grant):
    with pytest.raises(RefusedRequestError) as raised:
        check_request(node, name, pem, grant)
    return raised.value


def test_worker_gets_no_identity_of_the_control_plane(worker, cluster):
    assert set(grants_for(worker, cluster)) == WORKER_NAMES


def test_control_plane_gets_the_workers_identities_and_its_own(control_plane, cluster):
    assert set(grants_for(control_plane, cluster)) == WORKER_NAMES | {
        "apiserver",
        "apiserver-kubelet-client",
        "front-proxy-client",
        "controller-manager",
        "scheduler",
        "super-admin",
        "etcd/server",
        "etcd/peer",
        "etcd/kube-apiserver",
        "etcd/control-plane",
        "etcd/root",
    }


def test_authorities_are_never_mixed(control_plane, cluster):
    grants = grants_for(control_plane, cluster)
    assert {grant.authority for name, grant in grants.items() if name.startswith("etcd/")} == {"etcd"}
    assert [name for name, grant in grants.items() if grant.authority == "front-proxy"] == ["front-proxy-client"]


def test_only_the_addons_identity_is_in_system_masters(control_plane, cluster):
    grants = grants_for(control_plane, cluster)
    assert [name for name, grant in grants.items() if "system:masters" in grant.contents.organizations] == [
        "super-admin"
    ]


def test_api_server_is_known_by_service_address_and_endpoints(control_plane, cluster):
    contents = grants_for(control_plane, cluster)["apiserver"].contents
    assert {"10.245.0.1", "127.0.0.1", "10.135.0.2", "198.51.100.2", "203.0.113.9"} == contents.ip_addresses
    assert {"kubernetes.default.svc.cluster.local", "localhost", "api.example.org"} <= contents.dns_names


def test_request_as_granted_passes(worker, cluster, make_request):
    grant = grants_for(worker, cluster)["kubelet-server"]
    pem = make_request(
        cn="system:node:demo-worker-1",
        organizations=["system:nodes"],
        dns=["demo-worker-1"],
        ips=["10.135.0.3", "198.51.100.3"],
        extensions=[
            x509.BasicConstraints(ca=False, path_length=None),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        ],
    )
    assert isinstance(check_request(worker.name, "kubelet-server", pem, grant), ec.EllipticCurvePublicKey)


def test_request_that_leaves_names_to_the_controller_passes(worker, cluster, make_request):
    grant = grants_for(worker, cluster)["kubelet-server"]
    assert check_request(worker.name, "kubelet-server", make_request(), grant)


REFUSED = [
    pytest.param(
        "kubelet",
        {"cn": "system:node:demo-worker-2"},
        "the common name system:node:demo-worker-2",
        "system:node:demo-worker-1",
        id="another node's name",
    ),
    pytest.param(
        "kubelet",
        {"cn": "kubernetes-super-admin"},
        "the common name kubernetes-super-admin",
        "system:node:demo-worker-1",
        id="identity of the control plane",
    ),
    pytest.param(
        "kubelet",
        {"cn": "system:node:demo-worker-1", "organizations": ["system:nodes", "system:masters"]},
        "the organization system:masters",
        "system:nodes",
        id="extra organization",
    ),
    pytest.param(
        "kube-proxy",
        {"organizations": ["system:masters"]},
        "the organization system:masters",
        "no organization",
        id="O",
    ),
    pytest.param(
        "kubelet-server",
        {"dns": ["demo-worker-1", "kubernetes"]},
        "the host names kubernetes",
        "demo-worker-1",
        id="extra host name",
    ),
    pytest.param(
        "kubelet-server",
        {"ips": ["10.135.0.3", "10.135.0.2"]},
        "the IP addresses 10.135.0.2",
        "10.135.0.3, 198.51.100.3",
        id="another's address",
    ),
    pytest.param("etcd/flannel", {"cn": "root"}, "the common name root", "flannel", id="etcd's root"),
    pytest.param(
        "kubelet",
        {"extensions": [x509.SubjectAlternativeName([x509.RFC822Name("a@example.org")])]},
        "alternative names that are neither host names nor IP addresses",
        "host names and IP addresses only",
        id="mail address",
    ),
    pytest.param(
        "kubelet",
        {"extensions": [x509.BasicConstraints(ca=True, path_length=None)]},
        "the right to sign certificates",
        "leaf certificates only",
        id="authority",
    ),
    pytest.param(
        "kubelet",
        {"extensions": [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])]},
        "use as server",
        "client",
        id="server from client",
    ),
    pytest.param(
        "kubelet",
        {"extensions": [x509.OCSPNoCheck()]},
        "the extension 1.3.6.1.5.5.7.48.1.5",
        "no extension but its names",
        id="odd extension",
    ),
]


@pytest.mark.parametrize(("name", "request_contents", "asked", "allowed"), REFUSED)
def test_request_beyond_the_grant_is_refused_by_name(
    worker, cluster, make_request, name, request_contents, asked, allowed
):
    error = refusal(worker.name, name, make_request(**request_contents), grants_for(worker, cluster)[name])
    assert (error.node, error.request, error.asked, error.allowed) == ("demo-worker-1", name, asked, allowed)
    assert str(error).startswith(
        f"demo-worker-1: refused to sign the request {name}: it asks for {asked}, but this droplet may have {allowed}."
    )


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        pytest.param(rsa.generate_private_key(65537, 2048), "RSA", id="RSA"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), "secp384r1", id="P-384"),
    ],
)
def test_request_for_another_kind_of_key_is_refused(worker, cluster, make_request, key, kind):
    error = refusal(worker.name, "kubelet", make_request(key=key), grants_for(worker, cluster)["kubelet"])
    assert error.asked == f"a certificate for a key of type {kind}"


def test_request_with_a_forged_signature_is_refused(worker, cluster, make_request):
    pem = make_request(cn="system:node:demo-worker-1")
    der = bytearray(x509.load_pem_x509_csr(pem).public_bytes(Encoding.DER))
    der[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(der))
    error = refusal(worker.name, "kubelet", forged.public_bytes(Encoding.PEM), grants_for(worker, cluster)["kubelet"])
    assert error.asked == "a certificate for a key that it has not signed with"


def test_garbage_is_refused(worker, cluster):
    error = refusal(worker.name, "kubelet", b"hello", grants_for(worker, cluster)["kubelet"])
    assert error.allowed == "a PEM certificate request"


def test_endpoint_that_is_an_address_becomes_an_address(control_plane, cluster):
    only = dataclasses.replace(cluster, api_endpoints=("2001:db8::1",))
    contents = grants_for(control_plane, only)["apiserver"].contents
    assert "2001:db8::1" in contents.ip_addresses
    assert "2001:db8::1" not in contents.dns_names
