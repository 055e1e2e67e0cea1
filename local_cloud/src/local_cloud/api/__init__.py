# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated DigitalOcean v2 API over HTTP."""

from __future__ import annotations

from local_cloud.api.app import build_app

__all__ = ["build_app"]
