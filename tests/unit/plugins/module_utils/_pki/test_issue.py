# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.issue import issue, plan_node, read_requests
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import RefusedRequestError, grants_for
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.x509 import (
    certificate_contents,
    load_certificate,
    new_key,
)

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
IDENTITY = b"NODE_NAME='demo-worker-1'\nDROPLET_ID=17\n"


@pytest.fixture
def plan(cluster, authorities):
    def make(droplet, sent, *, now=NOW, names=cluster, renew_days=90, using=authorities):
        return plan_node(droplet, names, sent, using, now=now, renew_days=renew_days)

    return make


@pytest.fixture
def sent(worker, requests_of):
    files = {f"{name}.csr": pem for name, pem in requests_of(worker).items()}
    return read_requests(worker.name, {"identity.env": IDENTITY, **files})


@pytest.fixture
def served(worker, sent, plan, authorities):
    """What the node sends once it has its certificates."""
    files, _expires = issue(worker, plan(worker, sent), authorities, now=NOW)
    certificates = {file.path.removesuffix(".crt"): file.content for file in files if not file.path.endswith("ca.crt")}
    return dataclasses.replace(sent, certificates=certificates)


def test_everything_is_signed_at_first(worker, sent, plan):
    assert set(plan(worker, sent).to_sign) == {"kubelet", "kubelet-server", "kube-proxy", "etcd/flannel", "etcd/node"}


def test_second_run_signs_nothing(worker, served, plan):
    again = plan(worker, served, now=NOW + datetime.timedelta(days=200))
    assert not again.to_sign
    assert len(again.kept) == 5
    assert again.earliest_kept_expiry == NOW + datetime.timedelta(days=365)


def test_certificates_are_renewed_below_ninety_days(worker, served, plan):
    assert not plan(worker, served, now=NOW + datetime.timedelta(days=275)).to_sign
    renewal = plan(worker, served, now=NOW + datetime.timedelta(days=276))
    assert len(renewal.to_sign) == 5
    assert renewal.reasons["kubelet"] == "it expires in 89 days"


def test_changed_address_renews_only_what_names_it(worker, served, plan):
    moved = dataclasses.replace(worker, public_ipv4="198.51.100.77")
    # The request was made before the move; it must not hold the old address.
    served = dataclasses.replace(served, requests=served.requests | {"kubelet-server": served.requests["kubelet"]})
    renewal = plan(moved, served)
    assert set(renewal.to_sign) == {"kubelet-server"}
    assert renewal.reasons["kubelet-server"] == "its names or usages are not what the droplet is today"


def test_other_authority_renews_all(worker, served, plan, other_authorities):
    renewal = plan(worker, served, using=other_authorities)
    assert len(renewal.to_sign) == 5
    assert set(renewal.reasons.values()) == {"another authority signed it"}


def test_new_key_renews_its_certificate(worker, served, plan, make_request):
    other = make_request(cn="flannel", key=new_key())
    renewal = plan(worker, dataclasses.replace(served, requests=served.requests | {"etcd/flannel": other}))
    assert renewal.reasons == {"etcd/flannel": "it is for another key"}


def test_broken_certificate_is_replaced(worker, served, plan):
    served = dataclasses.replace(served, certificates=served.certificates | {"kubelet": b"half a cert"})
    assert set(plan(worker, served).to_sign) == {"kubelet"}


def test_worker_that_asks_for_a_control_plane_identity_is_refused(worker, sent, plan, make_request):
    greedy = dataclasses.replace(sent, requests=sent.requests | {"super-admin": make_request()})
    with pytest.raises(RefusedRequestError, match="refused to sign the request super-admin"):
        plan(worker, greedy)


def test_bad_request_is_refused_even_when_its_certificate_could_stay(worker, served, plan, make_request):
    bad = make_request(cn="system:node:demo-control-plane-1")
    with pytest.raises(RefusedRequestError, match="system:node:demo-control-plane-1"):
        plan(worker, dataclasses.replace(served, requests=served.requests | {"kubelet": bad}))


def test_missing_request_is_named(worker, sent, plan):
    requests = {name: pem for name, pem in sent.requests.items() if name != "kubelet"}
    with pytest.raises(NodeError, match="demo-worker-1: sent no request for kubelet. On the node: journalctl"):
        plan(worker, dataclasses.replace(sent, requests=requests))


def test_controller_writes_the_contents_whatever_the_request_leaves_out(
    worker, cluster, sent, plan, authorities, make_request
):
    bare = dataclasses.replace(sent, requests=dict.fromkeys(sent.requests, make_request()))
    files, expires = issue(worker, plan(worker, bare), authorities, now=NOW)
    certificates = {file.path: file.content for file in files}
    for name, grant in grants_for(worker, cluster).items():
        assert certificate_contents(load_certificate(certificates[f"{name}.crt"])) == grant.contents
    assert expires == NOW + datetime.timedelta(days=365)


def test_issued_certificates_pass_a_verifier_of_their_own(worker, sent, plan, authorities):
    files, _expires = issue(worker, plan(worker, sent), authorities, now=NOW)
    by_path = {file.path: x509.load_pem_x509_certificate(file.content) for file in files}
    store = x509.verification.Store([by_path["ca.crt"]])
    builder = x509.verification.PolicyBuilder().store(store).time(NOW)
    chain = builder.build_server_verifier(x509.DNSName("demo-worker-1")).verify(by_path["kubelet-server.crt"], [])
    assert chain[-1] == by_path["ca.crt"]


def test_worker_gets_no_shared_secret(worker, sent, plan, authorities):
    files, _expires = issue(worker, plan(worker, sent), authorities, now=NOW)
    assert {file.path for file in files if not file.path.endswith(".crt")} == set()
    assert "front-proxy-ca.crt" not in {file.path for file in files}


def test_control_plane_gets_the_shared_secrets_for_root_only(control_plane, requests_of, plan, authorities):
    files_sent = {f"{name}.csr": pem for name, pem in requests_of(control_plane).items()}
    sent = read_requests("demo-control-plane-1", {"identity.env": b"NODE_NAME=demo-control-plane-1", **files_sent})
    files, _expires = issue(control_plane, plan(control_plane, sent), authorities, now=NOW)
    modes = {file.path: file.mode for file in files if not file.path.endswith(".crt")}
    assert modes == {"sa.key": 0o600, "sa.pub": 0o600, "encryption.key": 0o600}
    assert not any(file.path.endswith("ca.key") for file in files)


def test_machine_with_another_name_is_told_apart(worker):
    with pytest.raises(NodeError, match="the machine that answers has NODE_NAME other-1 instead of demo-worker-1"):
        read_requests(worker.name, {"identity.env": b"NODE_NAME=other-1\n"})


def test_machine_with_another_droplet_id_is_told_apart(worker):
    with pytest.raises(NodeError, match="DROPLET_ID 17 instead of 18"):
        read_requests(worker.name, {"identity.env": IDENTITY}, droplet_id="18")


def test_authority_may_sign_leaves_only(authorities):
    for authority in authorities.by_name.values():
        constraints = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (constraints.ca, constraints.path_length) == (True, 0)
        assert isinstance(authority.key.curve, ec.SECP256R1)
