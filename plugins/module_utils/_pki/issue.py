# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one node's requests to its certificates: what is missing, what stays, what is signed."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.flotilla.coreos.plugins.module_utils._node.archive import File
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import (
    RefusedRequestError,
    check_request,
    grants_for,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.x509 import (
    PkiError,
    certificate_contents,
    certificate_pem,
    is_signed_by,
    load_certificate,
    public_key_pem,
    sign,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import Authorities
    from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import ClusterNames, Droplet, Grant

__all__ = ["NodePlan", "NodeRequests", "issue", "plan_node", "read_requests"]

_IDENTITY = "identity.env"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRequests:
    """What a node asks for and what it has: PEM by path without suffix, and who it says it is."""

    identity: Mapping[str, str]
    requests: Mapping[str, bytes]
    certificates: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """What a node gets: keys and grants to sign, and names that stay as they are. Reasons tell why each is signed."""

    to_sign: Mapping[str, tuple[ec.EllipticCurvePublicKey, Grant]]
    reasons: Mapping[str, str]
    kept: tuple[str, ...]
    earliest_kept_expiry: datetime.datetime | None


def read_requests(node: str, files: Mapping[str, bytes], *, droplet_id: str = "") -> NodeRequests:
    """Sort the files that a node sent. Raises NodeError where the machine that answered is not that node."""
    identity = _parse_environment(files.get(_IDENTITY, b"").decode(errors="replace"))
    for key, wanted in (("NODE_NAME", node), ("DROPLET_ID", droplet_id)):
        if wanted and identity.get(key) != wanted:
            raise NodeError(
                node,
                f"the machine that answers has {key} {identity.get(key) or '(none)'} instead of {wanted}: "
                "the inventory's address is another machine's. Refresh the inventory (its cache, if it has one).",
            )
    return NodeRequests(
        identity=identity,
        requests={path.removesuffix(".csr"): pem for path, pem in files.items() if path.endswith(".csr")},
        certificates={path.removesuffix(".crt"): pem for path, pem in files.items() if path.endswith(".crt")},
    )


def plan_node(
    droplet: Droplet,
    cluster: ClusterNames,
    sent: NodeRequests,
    authorities: Authorities,
    *,
    now: datetime.datetime,
    renew_days: int,
) -> NodePlan:
    """Return what to sign for a node. Every request is checked, those too whose certificates stay.

    Raises RefusedRequestError for a request beyond the grant, NodeError for one that is missing.
    """
    grants = grants_for(droplet, cluster)
    if extra := sorted(set(sent.requests) - set(grants)):
        raise RefusedRequestError(
            droplet.name, extra[0], asked=f"the identity {extra[0]}", allowed=", ".join(sorted(grants))
        )
    if missing := sorted(set(grants) - set(sent.requests)):
        raise NodeError(
            droplet.name,
            f"sent no request for {', '.join(missing)}. On the node: journalctl -u node-keys.service",
        )
    to_sign, reasons, kept, expiries = {}, {}, [], []
    for name, grant in sorted(grants.items()):
        key = check_request(droplet.name, name, sent.requests[name], grant)
        certificate, reason = _judge(sent.certificates.get(name), key, grant, authorities, now=now, days=renew_days)
        if certificate is not None and not reason:
            kept.append(name)
            expiries.append(certificate.not_valid_after_utc)
        else:
            to_sign[name], reasons[name] = (key, grant), reason
    return NodePlan(
        to_sign=to_sign, reasons=reasons, kept=tuple(kept), earliest_kept_expiry=min(expiries, default=None)
    )


def issue(
    droplet: Droplet, plan: NodePlan, authorities: Authorities, *, now: datetime.datetime
) -> tuple[list[File], datetime.datetime | None]:
    """Sign what the plan says. Returns the files for the node and the earliest expiry among all its certificates."""
    files = []
    expiries = [plan.earliest_kept_expiry] if plan.earliest_kept_expiry else []
    for name, (key, grant) in plan.to_sign.items():
        certificate = sign(authorities.by_name[grant.authority], key, grant.contents, now=now)
        files.append(File(path=f"{name}.crt", content=certificate_pem(certificate)))
        expiries.append(certificate.not_valid_after_utc)
    trusted = authorities.authority_files(is_control_plane=droplet.is_control_plane)
    files += [File(path=path, content=content) for path, content in trusted.items()]
    if droplet.is_control_plane:
        shared = authorities.shared_files()
        files += [File(path=path, content=content, mode=0o600) for path, content in shared.items()]
    return files, min(expiries, default=None)


def _judge(
    pem: bytes | None,
    key: ec.EllipticCurvePublicKey,
    grant: Grant,
    authorities: Authorities,
    *,
    now: datetime.datetime,
    days: int,
) -> tuple[x509.Certificate | None, str]:
    """Return the certificate that is there and why it has to be replaced; an empty reason means it stays."""
    if pem is None:
        return None, "there is none"
    try:
        certificate = load_certificate(pem)
    except PkiError as error:
        return None, str(error)
    left = certificate.not_valid_after_utc - now
    if not is_signed_by(certificate, authorities.by_name[grant.authority].certificate):
        reason = "another authority signed it"
    elif public_key_pem(certificate.public_key()) != public_key_pem(key):
        reason = "it is for another key"
    elif certificate_contents(certificate) != grant.contents:
        reason = "its names or usages are not what the droplet is today"
    elif left < datetime.timedelta(days=days):
        reason = f"it expires in {left.days} days"
    else:
        reason = ""
    return certificate, reason


def _parse_environment(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip().strip("'\"") for key, _, value in pairs if key.strip()}
