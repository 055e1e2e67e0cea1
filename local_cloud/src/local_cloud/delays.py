# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DELAYS", "Delays"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long the emulated cloud takes, in seconds, on top of what its machines really need."""

    place_s: float
    active_s: float
    addresses_s: float
    delete_s: float
    action_s: float

    def addresses_after_active_s(self, droplet_id: int) -> float:
        """Addresses come with the status or up to `addresses_s` later, by the droplet's number: both are normal."""
        return self.addresses_s * (droplet_id % 3) / 2


DELAYS = {
    "none": Delays(place_s=0, active_s=0, addresses_s=0, delete_s=0, action_s=0),
    "short": Delays(place_s=0.5, active_s=1, addresses_s=0.6, delete_s=0.6, action_s=0.5),
    # As seen on the live API in 2026: 30 s to active, addresses up to 10 s later, a deleted one gone within 12 s.
    "real": Delays(place_s=15, active_s=30, addresses_s=10, delete_s=8, action_s=10),
}
