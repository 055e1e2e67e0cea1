# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control planes keep for the controllers: the lock and the authorities.

Every operation is one script under flock(1), so that two controllers cannot get in between each other's steps.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._node.archive import ArchiveError, File, pack, unpack
from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.process import Holder
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.authorities import Authorities
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.x509 import PkiError

if TYPE_CHECKING:
    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection

__all__ = ["ClusterLock", "LockedError", "read_authorities", "store_authorities"]

# A controller refreshes its lock every 20 s; three refreshes and a long exchange may get lost.
STALE_S = 120
REFRESH_S = 20

_FOLDER = "/var/lib/flotilla"
_PROLOGUE = f"""set -eu
umask 077
mkdir -p -m 0755 {_FOLDER}
cd {_FOLDER}
exec 9>.controllers
flock -w 20 9
"""
# $1: who asks; $2: the dead holder whose lock may be taken, or empty; $3: seconds after which any lock is stale.
_ACQUIRE = (
    _PROLOGUE
    + """
note=TAKEN
if [ -d lock ]; then
  holder=$(cat lock/holder 2>/dev/null || true)
  newest=lock; [ ! -e lock/holder ] || newest=lock/holder
  age=$(( $(date +%s) - $(stat -c %Y "$newest") ))
  if [ "$holder" = "$1" ]; then note=TAKEN
  elif [ -n "$2" ] && [ "$holder" = "$2" ] || [ "$age" -ge "$3" ]; then note="BROKEN $age $holder"
  else echo "HELD $age $holder"; exit 0
  fi
  rm -rf lock
fi
mkdir lock
printf '%s\\n' "$1" > lock/holder
echo "$note"
"""
)
_REFRESH = (
    _PROLOGUE
    + """
[ "$(cat lock/holder 2>/dev/null)" = "$1" ] || { echo "the lock is someone else's now" >&2; exit 1; }
touch lock/holder
"""
)
_RELEASE = (
    _PROLOGUE
    + """
[ "$(cat lock/holder 2>/dev/null)" != "$1" ] || rm -rf lock
"""
)
_READ = (
    _PROLOGUE
    + """
[ ! -d authorities ] || exec tar -C authorities -cf - .
"""
)
# The archive comes on standard input, so this script is the argument. It holds no secret.
_STORE = (
    _PROLOGUE
    + """
rm -rf authorities.partial
mkdir -m 0700 authorities.partial
tar -C authorities.partial -xf -
chown -R 0:0 authorities.partial
sync -f authorities.partial
[ ! -e authorities ] || { echo "authorities are there already" >&2; exit 1; }
mv -T authorities.partial authorities
sync -f authorities
"""
)


class LockedError(NodeError):
    """Another controller is at work on this cluster."""

    def __init__(self, node: str, *, holder: str, age_s: int) -> None:
        super().__init__(
            node,
            f"another run is at work on this cluster: {holder or 'unknown'}, last sign of life {age_s} s ago. "
            f"Wait for it to end; a lock without a sign of life is taken over after {STALE_S} s.",
        )
        self.holder = holder
        self.age_s = age_s

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, with the holder."""
        return super().as_failure() | {"holder": self.holder, "age_s": self.age_s}


class ClusterLock:
    """The lock on one control plane."""

    def __init__(self, connection: NodeConnection, holder: Holder) -> None:
        self._connection = connection
        self._holder = holder

    def acquire(self) -> str:
        """Take the lock; return a note if another's stale lock had to be broken, else nothing. Raises LockedError."""
        answer = self._try(dead="")
        if answer.startswith("HELD"):
            other = Holder.parse(_rest(answer))
            if other and (other.is_dead() or other.is_same_process(self._holder)):
                answer = self._try(dead=str(other))
        word, age_s, holder = [*answer.split(" ", 2), "", ""][:3]
        if word == "HELD":
            raise LockedError(self._connection.name, holder=holder, age_s=int(age_s))
        return f"broke the stale lock of {holder or 'nobody'} ({age_s} s old)" if word == "BROKEN" else ""

    def refresh(self) -> None:
        """Show a sign of life."""
        self._connection.run_script(_REFRESH, str(self._holder), what="refresh the lock")

    def release(self) -> None:
        """Give the lock back if it is still ours."""
        self._connection.run_script(_RELEASE, str(self._holder), what="release the lock")

    def _try(self, *, dead: str) -> str:
        result = self._connection.run_script(_ACQUIRE, str(self._holder), dead, str(STALE_S), what="take the lock")
        return result.text.strip()


def read_authorities(connection: NodeConnection) -> Authorities | None:
    """Return the authorities that a control plane keeps, or None. Raises NodeError for a damaged set."""
    archive = connection.run_script(_READ, what="read the authorities").stdout
    if not archive:
        return None
    try:
        return Authorities.from_files(unpack(archive))
    except (PkiError, ArchiveError) as error:
        raise NodeError(
            connection.name,
            f"the authorities in {_FOLDER}/authorities cannot be used: {error}. Put them back from another "
            "control plane or from a backup; they are never made anew while the cluster may have certificates.",
        ) from error


def store_authorities(connection: NodeConnection, authorities: Authorities) -> None:
    """Store the authorities on a control plane that has none, all at once and safe against power loss."""
    archive = pack(File(path=path, content=content, mode=0o600) for path, content in authorities.to_files().items())
    connection.run_checked(f"sudo -n bash -c {shlex.quote(_STORE)}", stdin=archive, what="store the authorities")


def _rest(answer: str) -> str:
    return answer.split(" ", 2)[2] if answer.count(" ") >= 2 else ""
