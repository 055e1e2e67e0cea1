# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between the controller and a node."""

from __future__ import annotations

from typing import Any

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError

__all__ = ["NodeCommandError", "NodeError", "NodeUnreachableError", "NodesFailedError", "classify_refusal"]

SILENT = "no answer"
BOOTING = "still booting"
DENIED = "permission denied"
HOST_KEY = "host key changed"
REFUSED = "connection failed"

_SIGNS = (
    (HOST_KEY, ("REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed")),
    (BOOTING, ("System is booting up", "System is going down", "pam_nologin")),
    (DENIED, ("Permission denied", "Too many authentication failures")),
    (
        SILENT,
        (
            "Connection timed out",
            "No route to host",
            "Network is unreachable",
            "Connection refused",
            "Operation timed out",
            "banner exchange",
            "kex_exchange_identification",
            "Connection closed by",
            "Connection reset by",
        ),
    ),
)


def classify_refusal(message: str) -> str:
    """Return what kind of failure ssh's own words describe."""
    return next((kind for kind, signs in _SIGNS if any(sign in message for sign in signs)), REFUSED)


class NodeError(CollectionError):
    """A fault of one node; the message starts with its name."""

    def __init__(self, node: str, message: str) -> None:
        super().__init__(f"{node}: {message}")
        self.node = node

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, with the node's name."""
        return super().as_failure() | {"node": self.node}


class NodeUnreachableError(NodeError):
    """SSH to the node failed. `kind` tells silence, a refused login and a changed host key apart."""

    def __init__(self, node: str, message: str, *, kind: str = REFUSED) -> None:
        super().__init__(node, message)
        self.kind = kind


class NodeCommandError(NodeError):
    """A command on the node ended with an error."""

    def __init__(self, node: str, what: str, *, status: int, said: str) -> None:
        super().__init__(node, f"could not {what}: exit status {status}, {said or 'without a word'}")
        self.status = status
        self.said = said


class NodesFailedError(CollectionError):
    """Several nodes failed; each has its own sentence."""

    def __init__(self, errors: list[CollectionError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)

    def as_failure(self) -> dict[str, Any]:
        """Return the fault as plain data, one entry for each node."""
        return super().as_failure() | {"nodes": [error.as_failure() for error in self.errors]}
