# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's own programs, as they are called over SSH."""

from __future__ import annotations

import shlex

__all__ = ["NOT_READY", "tool_command"]

TOOLS = "/opt/flotilla/bin"
# EX_TEMPFAIL: the node says "not yet, ask again".
NOT_READY = 75
_INSTALL_WAIT_S = 20


def tool_command(name: str, *arguments: str) -> str:
    """Return the command line that runs one of the node's programs as root.

    SSH answers before first-boot has installed the programs, so the line waits for its program on the node, where
    waiting costs no exchange.
    """
    path = f"{TOOLS}/{name}"
    line = " ".join([path, *(shlex.quote(argument) for argument in arguments)])
    give_up = f'echo "first-boot.service has not installed {path}" >&2; exit {NOT_READY}'
    script = (
        f"while [ ! -x {path} ]; do "
        f'if [ "$SECONDS" -ge {_INSTALL_WAIT_S} ]; then {give_up}; fi; '
        f"sleep 0.2; done; exec {line}"
    )
    return f"sudo -n bash -c {shlex.quote(script)}"
