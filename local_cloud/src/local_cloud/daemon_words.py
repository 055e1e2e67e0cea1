# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a starting daemon says to the command that waits for it; apart, so that the command need not load the daemon."""

from __future__ import annotations

__all__ = ["ERROR_MARK", "READY"]

READY = "READY"
ERROR_MARK = "ERROR "
