# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

__all__ = ["PAPER_NETWORK", "AddressPlan", "NoAddressError", "pick"]

# Only a real cloud's own /24 is ever routed on this machine; droplets without machines need more room than that.
PAPER_NETWORK = IPv4Network("198.19.0.0/16")


class NoAddressError(Exception):
    """Every address of a network is taken."""


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """The public network, whose first address is the cloud itself."""

    public: IPv4Network

    @classmethod
    def for_machines(cls, network_index: int) -> AddressPlan:
        return cls(IPv4Network(f"198.18.{network_index}.0/24"))

    @classmethod
    def for_paper(cls) -> AddressPlan:
        return cls(PAPER_NETWORK)

    @property
    def gateway(self) -> IPv4Address:
        return self.public[1]


def pick(network: IPv4Network, number: int, taken: set[str]) -> str:
    """The address for droplet `number`: they rise with the numbers, so that one is not reused at once.

    The first two (network, gateway) and the last (broadcast) are never given out. Raises NoAddressError.
    """
    usable = network.num_addresses - 3
    for step in range(usable):
        address = str(network[2 + (number + step) % usable])
        if address not in taken:
            taken.add(address)
            return address
    raise NoAddressError(f"all {usable} addresses of {network} are taken")
