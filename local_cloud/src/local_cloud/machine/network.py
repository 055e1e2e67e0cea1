# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloud's network: a namespace with two bridges, and one namespace for each droplet.

public:  198.18.I.0/24, gateway and services at .1, reachable from this machine through one veth pair
private: a bridge without an address of its own, as a VPC has no gateway
metadata: 169.254.169.254 inside the namespace, so this machine's own stays untouched
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.errors import MachineError
from local_cloud.processes import run

if TYPE_CHECKING:
    from local_cloud.drivers import MachineSpec

__all__ = [
    "METADATA_ADDRESS",
    "CloudNetwork",
    "listen_inside",
    "namespaces",
    "remove_network",
    "routed_indexes",
]

METADATA_ADDRESS = "169.254.169.254"
_CLONE_NEWNET = 0x40000000
# Droplets reach each other and the cloud's services, nothing of this machine and no other cloud.
_FILTER = """
table inet isolation
delete table inet isolation
table inet isolation {
    chain forward {
        type filter hook forward priority filter; policy accept;
        iifname "uplink" accept
        ct state established,related accept
        oifname "uplink" reject
    }
    chain input {
        type filter hook input priority filter; policy accept;
        iifname "private" drop
    }
}
"""


@dataclass(frozen=True, slots=True)
class CloudNetwork:
    """The network of one cloud; `index` is the I in 198.18.I.0/24."""

    namespace: str
    index: int

    @property
    def gateway(self) -> str:
        return f"198.18.{self.index}.1"

    @property
    def _uplink(self) -> str:
        return _uplink_name(self.index)

    def path(self) -> Path:
        return Path("/run/netns", self.namespace)

    def droplet_namespace(self, number: int) -> str:
        return f"{self.namespace}.{number}"

    def create(self) -> None:
        """Make it, unless it is there from an earlier run of the same cloud."""
        if self.namespace in namespaces() and self._is_complete():
            return
        remove_network(self.namespace, self.index)
        run("ip", "netns", "add", self.namespace)
        _ip(
            f"link add {self._uplink} type veth peer name uplink netns {self.namespace}",
            f"addr add 198.19.{self.index}.1/30 dev {self._uplink}",
            f"link set {self._uplink} up",
        )
        _ip(
            "link set lo up",
            f"addr add {METADATA_ADDRESS}/32 dev lo",
            f"addr add 198.19.{self.index}.2/30 dev uplink",
            "link set uplink up",
            "link add public type bridge stp_state 0 forward_delay 0",
            f"addr add {self.gateway}/24 dev public",
            "link set public up",
            "link add private type bridge stp_state 0 forward_delay 0",
            "link set private up",
            namespace=self.namespace,
        )
        # Bridged packets are no business of this namespace's packet filter, whatever the machine's default.
        self._run_inside(
            "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; cd /proc/sys/net/bridge 2>/dev/null || exit 0;"
            " for table in arp ip ip6; do echo 0 > bridge-nf-call-${table}tables; done",
        )  # fmt: skip
        run("nsenter", f"--net={self.path()}", "nft", "-f", "-", stdin=_FILTER)
        _ip(f"route add 198.18.{self.index}.0/24 via 198.19.{self.index}.2 dev {self._uplink}")

    def _is_complete(self) -> bool:
        """The route is made last."""
        has_link = Path("/sys/class/net", self._uplink).exists()
        return has_link and bool(run("ip", "route", "show", f"198.18.{self.index}.0/24", "dev", self._uplink))

    def _run_inside(self, *argv: str) -> None:
        run("nsenter", f"--net={self.path()}", *argv)

    def plug(self, spec: MachineSpec) -> Path:
        """Give a droplet a fresh namespace with its two interfaces and addresses; return the namespace's path.

        Fresh at every boot: a machine that reboots has lost its tunnels, bridges and filter rules.
        """
        self.unplug(spec.number)
        name = self.droplet_namespace(spec.number)
        run("ip", "netns", "add", name)
        _ip(
            *self._link(spec.number, "p", "eth0", name, "04:01"),
            *self._link(spec.number, "v", "eth1", name, "04:02"),
            f"link set p{spec.number} master public up",
            f"link set v{spec.number} master private up",
            namespace=self.namespace,
        )
        _ip(
            "link set lo up",
            f"addr add {spec.public_ip}/{spec.public_prefix} broadcast + dev eth0",
            f"addr add {spec.private_ip}/{spec.private_prefix} broadcast + dev eth1",
            "link set eth0 up",
            "link set eth1 up",
            f"route add default via {spec.gateway} dev eth0",
            namespace=name,
        )
        return Path("/run/netns", name)

    def _link(self, number: int, prefix: str, peer: str, namespace: str, vendor: str) -> list[str]:
        address = mac_address(number, vendor)
        return [f"link add {prefix}{number} type veth peer name {peer} address {address} netns {namespace}"]

    def unplug(self, number: int) -> None:
        """Take a droplet off the network, at once and without a word to its peers. May be repeated."""
        name = self.droplet_namespace(number)
        if name not in namespaces():
            return
        # The kernel removes a namespace some time later, but a link when told to.
        for prefix in "pv":
            with contextlib.suppress(MachineError):
                run("ip", "-n", self.namespace, "link", "del", f"{prefix}{number}")
        run("ip", "netns", "del", name)


def remove_network(namespace: str, index: int | None) -> None:
    """Take away a cloud's namespace, those of its droplets, and the link to this machine if its number is known.

    Without the number the kernel removes the link, some time after the namespace.
    """
    if index is not None and Path("/sys/class/net", _uplink_name(index)).exists():
        run("ip", "link", "del", _uplink_name(index))
    for name in namespaces():
        if name == namespace or name.startswith(namespace + "."):
            run("ip", "netns", "del", name)


def _uplink_name(index: int) -> str:
    return f"lc{index}-uplink"


def mac_address(number: int, vendor: str = "04:01") -> str:
    """The hardware address of a droplet's interface: 04:01 and its number for the public one, 04:02 the private."""
    return ":".join([vendor, *(f"{byte:02x}" for byte in number.to_bytes(4, "big"))])


def _ip(*commands: str, namespace: str | None = None) -> None:
    where = ["-n", namespace] if namespace else []
    run("ip", *where, "-batch", "-", stdin="\n".join(commands) + "\n")


def namespaces() -> list[str]:
    """Every named network namespace of this machine."""
    folder = Path("/run/netns")
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def routed_indexes() -> set[int]:
    """Every I for which this machine already has a route into 198.18.I.0/24."""
    ours = IPv4Network("198.18.0.0/16")
    found = set()
    for line in run("ip", "-4", "route", "show").splitlines():
        with contextlib.suppress(ValueError):
            network = IPv4Network(line.split()[0])
            if network.subnet_of(ours):
                first, last = network[0].packed[2], network[-1].packed[2]
                found |= set(range(first, last + 1))
    return found


def listen_inside(namespace: Path, address: str, port: int) -> socket.socket:
    """A listening socket that belongs to another network namespace; this process itself stays where it is."""
    made: list[socket.socket | OSError] = []

    def enter_and_listen() -> None:
        # Only this thread changes its namespace, and it ends here.
        try:
            handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(handle, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
            finally:
                os.close(handle)
            made.append(socket.create_server((address, port), backlog=128))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=enter_and_listen)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise MachineError(f"cannot listen on {address}:{port} in {namespace}: {made[0]}") from made[0]
    return made[0]
