# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

__all__ = ["LocalCloudError", "MachineError"]


class LocalCloudError(Exception):
    """Whatever stops a command; the text says what was tried, on what, what came back and what to do."""


class MachineError(LocalCloudError):
    """A droplet's machine could not be made, started or stopped."""
