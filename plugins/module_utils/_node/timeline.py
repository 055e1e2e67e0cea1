# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bootstrap as a picture: one bar a unit, one block a node, in a page that needs nothing else."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.follow import NodeHistory
    from ansible_collections.flotilla.coreos.plugins.module_utils._node.status import UnitStatus

__all__ = ["render_timeline"]

LABEL_WIDTH = 190
WIDTH = 900
ROW = 20
NODE_GAP = 14
_MAX_TICKS = 12

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 14px sans-serif; margin: 2em; color: #222; }}
text {{ font: 12px sans-serif; fill: #222; }}
.node {{ font-weight: bold; }}
.tick {{ stroke: #ddd; }}
.bar {{ fill: #4c78a8; }}
</style>
<h1>{title}</h1>
<p>Seconds since the first droplet's kernel started. A bar is a unit from its start until it was done or ready;
hover for its figures.</p>
<svg width="{width}" height="{height}" role="img">
{body}
</svg>
</html>
"""


def render_timeline(cluster_name: str, histories: Mapping[str, NodeHistory]) -> str:
    """Return the page. Nodes are drawn against one clock, so that who waited for whom can be seen."""
    origin_s = min((history.booted_s for history in histories.values()), default=0.0)
    ends = [history.booted_s - origin_s + history.ready_s for history in histories.values()]
    span_s = max([1.0, *ends])
    rows: list[str] = []
    top = ROW * 2
    for name, history in histories.items():
        rows.append(f'<text class="node" x="0" y="{top - 5}">{html.escape(name)}</text>')
        for unit in history.status.units:
            rows.append(_row(unit, top, offset_s=history.booted_s - origin_s, span_s=span_s, uptime_s=history.ready_s))
            top += ROW
        top += NODE_GAP + ROW
    body = "\n".join([*_ticks(span_s, top), *rows])
    title = html.escape(f"Bootstrap of {cluster_name}: {span_s:.1f} s")
    return _PAGE.format(title=title, width=LABEL_WIDTH + WIDTH + 60, height=top, body=body)


def _row(unit: UnitStatus, top: int, *, offset_s: float, span_s: float, uptime_s: float) -> str:
    label = f'<text x="12" y="{top + 14}">{html.escape(unit.short_name)}</text>'
    if unit.since_s is None:
        return label
    end_s = unit.done_s if unit.done_s is not None else uptime_s
    left = LABEL_WIDTH + (offset_s + unit.since_s) / span_s * WIDTH
    width = max(1.5, (end_s - unit.since_s) / span_s * WIDTH)
    figures = f"{unit.short_name}: {unit.since_s:.1f} s to {end_s:.1f} s, {end_s - unit.since_s:.1f} s"
    restarts = f", {unit.restarts} restarts" if unit.restarts else ""
    return (
        f'{label}<rect class="bar" x="{left:.1f}" y="{top + 3}" width="{width:.1f}" height="{ROW - 6}">'
        f"<title>{html.escape(figures + restarts)}</title></rect>"
        f'<text x="{left + width + 4:.1f}" y="{top + 14}">{end_s - unit.since_s:.1f}</text>'
    )


def _ticks(span_s: float, height: int) -> list[str]:
    step_s = max(1, math.ceil(span_s / _MAX_TICKS))
    lines = []
    for second in range(0, math.ceil(span_s) + 1, step_s):
        left = LABEL_WIDTH + second / span_s * WIDTH
        lines.append(
            f'<line class="tick" x1="{left:.1f}" x2="{left:.1f}" y1="{ROW}" y2="{height}"/>'
            f'<text x="{left:.1f}" y="14">{second}</text>'
        )
    return lines
