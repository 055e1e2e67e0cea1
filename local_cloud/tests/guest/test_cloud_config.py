# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cloud-config does to a real droplet, on its first boot and, since it is applied at every boot, on the next.

The documents and their results were seen in the real program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Machine

pytestmark = pytest.mark.machines

SLEEP = r"[Service]\nExecStart=/bin/sleep 99\n"


@dataclass(frozen=True)
class Example:
    """A document, the agent's exit status, and what commands then print ({…} stand for the droplet's addresses)."""

    document: str
    status: int
    outputs: dict[str, str]
    next_boot: dict[str, str] | None = None


EXAMPLES = {
    "nothing": Example("{}", 0, {"hostname": "web-01\n", "cat /etc/environment": "{environment}"}),
    "hyphenated keys": Example(
        "{write-files: [{path: /opt/a, content: x}], write_files: [{path: /opt/b, content: x}]}",
        0,
        {"ls /opt | grep -x [ab]": "b\n", "journalctl -b -u oem-cloudinit | grep -c warning": "0\n"},
    ),
    "tokens, path and mode": Example(
        '{write_files: [{path: opt/../srv/c/, content: $public_ipv4$private_ipv4, permissions: "2750"}]}',
        0,
        {"stat -c %a /srv/c": "750\n", "cat /srv/c": "{public}{private}"},
    ),
    "bad encoding": Example(
        '{hostname: h4, write_files: [{path: /opt/d, content: ok}, {path: /opt/e, encoding: base64, content: "b2s"}]}',
        1,
        {"hostname": "web-01\n", "ls /opt | grep -x [de]": "", "cat /etc/environment": ""},
    ),
    "failure half way": Example(
        "{users: [{name: e5, gecos: E F}], write_files: [{path: /opt/f, owner: e5, content: 0755},"
        " {path: /tmp, content: x}, {path: /opt/g}]}",
        1,
        {
            "getent passwd e5 | cut -d: -f5": '"E F"\n',
            "stat -c %U /opt/f; cat /opt/f": "e5\n0755",
            "ls / | grep -q cloudinit-temp && echo left; ls /opt/g; cat /etc/environment": "left\n",
        },
    ),
    "failing unit": Example(
        r"{coreos: {units: [{name: bad.service, command: start,"
        r' content: "[Service]\nType=oneshot\nExecStart=/bin/false\n"}]}}',
        0,
        {"journalctl -b -u oem-cloudinit -o cat | grep -o Result.*": 'Result of "start" on "bad.service": failed\n'},
    ),
    "missing unit": Example(
        f"{{coreos: {{units: [{{name: gone.service, command: restart}}, {{name: ok.service, command: start,"
        f' content: "{SLEEP}"}}]}}}}',
        1,
        {"systemctl show -p LoadState,ActiveState ok": "LoadState=loaded\nActiveState=inactive\n"},
    ),
    "enabled unit": Example(
        f'{{coreos: {{units: [{{name: e8.service, enable: yes, content: "{SLEEP}[Install]'
        r'\nWantedBy=multi-user.target\n"}]}}',
        0,
        {"systemctl is-enabled e8; systemctl is-active e8": "enabled\ninactive\n"},
        {"systemctl is-enabled e8; systemctl is-active e8": "enabled\nactive\n"},
    ),
    "hosts file": Example(
        "{manage_etc_hosts: localhost, hostname: h9.example.test}",
        0,
        {"cat /etc/hosts": "127.0.0.1 h9\n", "cat /etc/environment": "{environment}"},
    ),
    "own environment file": Example(
        r'{write_files: [{path: /etc/environment, content: "A=1\n"}]}', 0, {"cat /etc/environment": "A=1\n"}
    ),
    "flannel and a drop-in": Example(
        r"{coreos: {flannel: {interface: $private_ipv4, etcd_prefix: /n}, units: [{name: flanneld.service,"
        r' drop_ins: [{name: 40-x.conf, content: "[Unit]\n"}]}]}}',
        0,
        {
            "cat /run/flannel/options.env": "FLANNELD_ETCD_PREFIX=/n\nFLANNELD_IFACE={private}",
            "cat /etc/systemd/system/flanneld.service.d/40-x.conf": "[Unit]\n",
        },
    ),
    "unknown reboot strategy": Example(
        "{ssh_authorized_keys: [k1, k1], coreos: {update: {reboot_strategy: nightly}}}",
        1,
        {
            "cat /etc/environment /etc/coreos/update.conf": "",
            "grep -c ssh-ed25519 /home/core/.ssh/authorized_keys": "1\n",
        },
    ),
    "no reboots, and a network unit": Example(
        r'{coreos: {update: {reboot_strategy: "off", group: beta},'
        r' units: [{name: a.network, runtime: true, content: "[Match]\nName=zz9\n"}]}}',
        0,
        {
            "cat /etc/flatcar/update.conf": "GROUP=beta\nREBOOT_STRATEGY=off\n",
            "systemctl is-active locksmithd systemd-networkd; systemctl is-enabled locksmithd": (
                "inactive\nactive\nmasked-runtime\n"
            ),
            "networkctl list --no-legend eth0 eth1 | grep -c unmanaged": "2\n",
        },
    ),
}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_a_cloud_config_is_applied_on_every_boot(example: Example, droplet: Callable[[str], Machine]) -> None:
    machine = droplet(example.document)
    boot = machine.await_boot()
    _check(machine, example.status, example.outputs)
    machine.reboot(boot)
    _check(machine, example.status, example.next_boot or example.outputs)


def _check(machine: Machine, status: int, outputs: dict[str, str]) -> None:
    known = {
        "{environment}": machine.environment, "{public}": machine.public_ipv4, "{private}": machine.private_ipv4
    }  # fmt: skip
    assert machine.output("systemctl show -p ExecMainStatus --value oem-cloudinit") == f"{status}\n"
    for command, want in outputs.items():
        for name, value in known.items():
            want = want.replace(name, value)
        assert (command, machine.output(command)) == (command, want)


def test_a_plain_droplet_boots_without_a_failed_unit(droplet: Callable[[str], Machine]) -> None:
    machine = droplet("")
    machine.await_boot()
    assert machine.output("systemctl list-units --failed --no-legend") == ""
    assert machine.output("systemctl is-system-running") == "running\n"
    assert machine.output("touch /usr/x; ls /usr/x; which python3") == ""
    assert machine.output("ls -ld /dev/kmsg | cut -c1; findmnt -no PROPAGATION /") == "c\nshared\n"
    assert machine.output("grep -c nameserver /etc/resolv.conf") == "1\n"
