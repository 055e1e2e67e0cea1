# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrator's kubeconfig: an output of each run, made anew only when it would not work (much longer)."""

from __future__ import annotations

import base64
import binascii
import datetime
from typing import TYPE_CHECKING, Any

import yaml

from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import KUBERNETES
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.x509 import (
    Contents,
    PkiError,
    certificate_contents,
    certificate_pem,
    is_signed_by,
    key_pem,
    load_certificate,
    load_private_key,
    new_key,
    public_key_pem,
    sign,
)

if TYPE_CHECKING:
    from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import Authorities

__all__ = ["ADMIN", "make_kubeconfig", "needs_new_kubeconfig"]

# The group is bound to cluster-admin by the addons, so that RBAC can take it away again; system:masters can't be.
ADMIN = Contents(common_name="kubernetes-admin", organizations=("flotilla:cluster-admins",))


def make_kubeconfig(cluster_name: str, server: str, authorities: Authorities, *, now: datetime.datetime) -> str:
    """Return a kubeconfig with a new key and certificate, good for a year, as YAML."""
    key = new_key()
    authority = authorities.by_name[KUBERNETES]
    certificate = sign(authority, key.public_key(), ADMIN, now=now)
    user = f"{cluster_name}-admin"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster_name,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": _encode(certificate_pem(authority.certificate)),
                },
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _encode(certificate_pem(certificate)),
                    "client-key-data": _encode(key_pem(key)),
                },
            }
        ],
        "contexts": [{"name": cluster_name, "context": {"cluster": cluster_name, "user": user}}],
        "current-context": cluster_name,
    }
    return yaml.safe_dump(config, sort_keys=False)


def needs_new_kubeconfig(
    text: str | None, server: str, authorities: Authorities, *, now: datetime.datetime, renew_days: int
) -> str:
    """Return why a kubeconfig has to be written, or an empty text if the one that is there will do."""
    if text is None:
        return "there is none"
    try:
        cluster, user = _read(text)
        authority = load_certificate(_decode(cluster["certificate-authority-data"]))
        certificate = load_certificate(_decode(user["client-certificate-data"]))
        key = load_private_key(_decode(user["client-key-data"]))
    except (PkiError, KeyError, TypeError, IndexError, ValueError, yaml.YAMLError, binascii.Error):
        return "the one that is there is not as this collection writes it"
    own = authorities.by_name[KUBERNETES].certificate
    left = certificate.not_valid_after_utc - now
    if authority != own or not is_signed_by(certificate, own):
        reason = "it is for other authorities"
    elif cluster["server"] != server:
        reason = f"it points at {cluster['server']}"
    elif certificate_contents(certificate) != ADMIN:
        reason = "it is for another user"
    elif public_key_pem(certificate.public_key()) != public_key_pem(key.public_key()):
        reason = "its key does not belong to its certificate"
    elif left < datetime.timedelta(days=renew_days):
        reason = f"it expires in {left.days} days"
    else:
        reason = ""
    return reason


def _read(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    config = yaml.safe_load(text)
    return config["clusters"][0]["cluster"], config["users"][0]["user"]


def _encode(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
