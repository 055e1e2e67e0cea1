# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a node has come, as its node-status program tells it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ansible_collections.flotilla.coreos.plugins.module_utils._node.errors import NodeError

__all__ = ["NodeStatus", "UnitStatus", "parse_status"]

DONE = "done"
FAILED = "failed"
RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatus:
    """A unit of the bootstrap chain; times in seconds since the node's boot."""

    name: str
    state: str
    since_s: float | None
    done_s: float | None
    text: str
    restarts: int

    @property
    def short_name(self) -> str:
        """The unit's name as people say it."""
        return self.name.removesuffix(".service")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """A node's chain of units at one moment."""

    digest: str
    boot_id: str
    uptime_s: float
    target: str
    multi_user: str
    units: tuple[UnitStatus, ...]
    failed: tuple[str, ...]

    @property
    def is_up(self) -> bool:
        """Whether the node has reached its Multi-User System with Kubernetes in it."""
        return self.target == "active" and self.multi_user == "active"

    @property
    def running(self) -> tuple[UnitStatus, ...]:
        """The units at work, in the chain's order."""
        return tuple(unit for unit in self.units if unit.state == RUNNING)

    @property
    def done_count(self) -> int:
        """How many units have done their part."""
        return sum(unit.state == DONE for unit in self.units)

    @property
    def failed_unit(self) -> UnitStatus | None:
        """The first unit of the chain that has given up, if any."""
        return next((unit for unit in self.units if unit.state == FAILED), None)

    @property
    def waiting_for(self) -> UnitStatus | None:
        """The unit that holds up the chain: what failed, else what runs, else what comes next."""
        unfinished = [unit for unit in self.units if unit.state != DONE]
        return self.failed_unit or next(iter(self.running), None) or next(iter(unfinished), None)


def parse_status(node: str, line: str) -> NodeStatus:
    """Read the one JSON line that node-status prints. Raises NodeError."""
    try:
        fields = json.loads(line)
        return NodeStatus(
            digest=str(fields["digest"]),
            boot_id=str(fields["boot_id"]),
            uptime_s=float(fields["uptime_s"]),
            target=str(fields["target"]),
            multi_user=str(fields["multi_user"]),
            units=tuple(_unit(unit) for unit in fields["units"]),
            failed=tuple(str(name) for name in fields["failed"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NodeError(node, f"its status cannot be read ({error!r}): {line[:200]}") from error


def _unit(fields: dict[str, Any]) -> UnitStatus:
    return UnitStatus(
        name=str(fields["name"]),
        state=str(fields["state"]),
        since_s=_seconds(fields.get("since_s")),
        done_s=_seconds(fields.get("done_s")),
        text=str(fields.get("text") or "").strip(),
        restarts=int(fields.get("restarts") or 0),
    )


def _seconds(value: object) -> float | None:
    return None if value is None else float(str(value))
