# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Droplets as real machines: systemd-nspawn in cgroups, network namespaces and folders of their own."""

from __future__ import annotations

from local_cloud.machine.driver import NspawnDriver

__all__ = ["NspawnDriver"]
