# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account's SSH keys. A key is unique by its material, so it is asked for by fingerprint and never listed for."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.models import SshKey
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ConfigError,
    ConflictError,
    InvalidError,
    NotFoundError,
    ServerError,
    TransportError,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import wait_until

if TYPE_CHECKING:
    from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import ApiAccess

__all__ = ["SshKeyBackend", "SshKeyPlan", "SshKeySpec", "fingerprint"]

_LAG_S = 30.0


def fingerprint(public_key: str) -> str:
    """Return the MD5 fingerprint by which DigitalOcean knows a key, such as 3b:16:...

    Raises ConfigError if it is no public key; a private key is refused without showing it.
    """
    if "PRIVATE KEY" in public_key:
        raise ConfigError("public_key holds a private key. Give the public half, usually the file that ends in .pub.")
    words = public_key.split()
    try:
        material = base64.b64decode(words[1], validate=True)
        kind_length = int.from_bytes(material[:4], "big")
        if material[4 : 4 + kind_length].decode() != words[0]:
            raise ValueError(words[0])
    except (IndexError, ValueError, binascii.Error) as error:
        raise ConfigError(
            f"public_key is {public_key[:40]!r}, which is no OpenSSH public key: 'type base64 comment' on one line, "
            "such as 'ssh-ed25519 AAAA... me@here'."
        ) from error
    digest = hashlib.md5(material, usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKeySpec:
    """A key that the account shall have or not have."""

    name: str
    public_key: str
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKeyPlan:
    """The key as it is and as it will be; `kept` says why a key stays that was to go."""

    spec: SshKeySpec
    before: SshKey | None
    after: SshKey | None
    kept: str = ""

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return (self.before is None) != (self.after is None)

    def diff(self) -> dict[str, Any]:
        """Return before and after."""
        return {
            "before": {"ssh_key": self.before.to_result() if self.before else None},
            "after": {"ssh_key": self.predicted()},
        }

    def predicted(self) -> dict[str, Any] | None:
        """Return the key as it will be; a new one has no id yet."""
        if self.after is None:
            return None
        return self.after.to_result() | ({} if self.before else {"id": None})


class SshKeyBackend:
    """Plans and applies an SshKeySpec."""

    def __init__(self, access: ApiAccess) -> None:
        self._client = access.client()
        self._clock = access.clock

    def plan(self, spec: SshKeySpec) -> SshKeyPlan:
        """Look for the key by its material; only reads."""
        found = self._find(fingerprint(spec.public_key))
        if spec.present:
            # Its name is left alone: somebody else may have put the same key there under a name of theirs.
            wanted = SshKey(
                id=0, name=spec.name, fingerprint=fingerprint(spec.public_key), public_key=spec.public_key.strip()
            )
            return SshKeyPlan(spec=spec, before=found, after=found or wanted)
        if found is not None and found.name != spec.name:
            why = f"the account has it under the name {found.name!r}, not {spec.name!r}: it was not made for this"
            return SshKeyPlan(spec=spec, before=found, after=found, kept=why)
        return SshKeyPlan(spec=spec, before=found, after=None)

    def apply(self, plan: SshKeyPlan) -> SshKey | None:
        """Do what the plan says and return the key, None if it is gone."""
        if plan.changed and plan.before is not None:
            self._client.delete(f"account/keys/{plan.before.id}")
            return None
        if plan.changed:
            return self._create(plan.spec)
        return plan.before

    def _create(self, spec: SshKeySpec) -> SshKey:
        try:
            answer = self._client.post("account/keys", {"name": spec.name, "public_key": spec.public_key.strip()})
            return SshKey.from_api(answer["ssh_key"])
        except (ServerError, TransportError, ConflictError) as error:
            unconfirmed: Exception = error
        except InvalidError as error:
            if "already in use" not in str(error):
                raise
            unconfirmed = error
        # It may be there by now: made by the lost request, or by another run since the look-up.
        found = wait_until(
            lambda: self._find(fingerprint(spec.public_key)),
            bool,
            what=f"SSH key {spec.name} to appear in the account",
            timeout_s=_LAG_S,
            clock=self._clock,
            describe=lambda _: f"not there; the request to create it ended with: {unconfirmed}",
        )
        assert found is not None
        return found

    def _find(self, key_fingerprint: str) -> SshKey | None:
        try:
            return SshKey.from_api(self._client.get(f"account/keys/{key_fingerprint}")["ssh_key"])
        except NotFoundError:
            return None
