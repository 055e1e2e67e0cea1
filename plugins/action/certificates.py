# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of the module certificates: see plugins/modules/certificates.py for its documentation."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import ConfigError
from ansible_collections.flotilla.coreos.plugins.module_utils._node.output import write_private
from ansible_collections.flotilla.coreos.plugins.module_utils._node.process import Holder
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.handover import Handover, Node, Settings
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.kubeconfig import (
    make_kubeconfig,
    needs_new_kubeconfig,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._pki.policy import ClusterNames, Droplet
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import SystemClock
from ansible_collections.flotilla.coreos.plugins.plugin_utils._node_action import NodeAction, main_process_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ansible_collections.flotilla.coreos.plugins.module_utils._pki.handover import HandoverOutcome

API_PORT = 6443


class ActionModule(NodeAction):
    """Gives every node of a cluster its certificates."""

    ARGUMENTS = {
        "cluster_name": {"type": "str", "required": True},
        "control_plane": {"type": "list", "elements": "str", "required": True},
        "workers": {"type": "list", "elements": "str", "default": []},
        "service_api_ip": {"type": "str", "required": True},
        "cluster_domain": {"type": "str", "default": "cluster.local"},
        "api_endpoint": {"type": "list", "elements": "str", "default": []},
        "timeout_s": {"type": "int", "default": 600},
        "renew_days": {"type": "int", "default": 90},
        "output_dir": {"type": "path", "default": ".state"},
    }

    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Exchange requests and certificates, then write the kubeconfig."""
        nodes = [
            self._node(name, task_vars, is_control_plane=is_control_plane)
            for names, is_control_plane in ((arguments["control_plane"], True), (arguments["workers"], False))
            for name in names
        ]
        outcome = Handover(
            nodes,
            _settings(arguments, is_dry=self.is_check_mode),
            holder=Holder.of_process(main_process_id(), now=_now()),
            clock=SystemClock(),
            now=_now,
            say=self.say,
        ).run()
        server = f"https://{nodes[0].droplet.public_ipv4}:{API_PORT}"
        path, reason = self._write_kubeconfig(arguments, outcome, server)
        return _result(outcome, is_changed=bool(reason)) | {
            "kubeconfig": str(path),
            "server": server,
            "ssh_exchanges": sum(node.connection.exchanges for node in nodes),
        }

    def _node(self, name: str, task_vars: Mapping[str, Any], *, is_control_plane: bool) -> Node:
        connection = self.connect(name, task_vars)
        variables = task_vars["hostvars"][name]
        droplet = Droplet(
            name=name,
            is_control_plane=is_control_plane,
            private_ipv4=_required(name, variables, "flotilla_private_ipv4"),
            public_ipv4=_required(name, variables, "flotilla_public_ipv4"),
        )
        role = variables.get("flotilla_role")
        if role and (role == "control-plane") != is_control_plane:
            raise ConfigError(
                f"{name} is a {role} by its tags, but the playbook treats it as a "
                f"{'control plane' if is_control_plane else 'worker'}: it gets no certificates for that"
            )
        return Node(
            droplet=droplet,
            connection=connection,
            droplet_id=str(variables.get("flotilla_droplet_id", "")),
            was_ready=bool(variables.get("flotilla_ready", False)),
        )

    def _write_kubeconfig(
        self, arguments: Mapping[str, Any], outcome: HandoverOutcome, server: str
    ) -> tuple[Path, str]:
        """Return where the kubeconfig is and why it was (in check mode: would be) written, or an empty reason."""
        path = self.output_folder(arguments["output_dir"], arguments["cluster_name"]).path / "kubeconfig"
        current = path.read_text() if path.exists() else None
        renew_days = arguments["renew_days"]
        reason = needs_new_kubeconfig(current, server, outcome.authorities, now=_now(), renew_days=renew_days)
        if reason and not self.is_check_mode:
            write_private(path, make_kubeconfig(arguments["cluster_name"], server, outcome.authorities, now=_now()))
            self.say(f"kubeconfig written to {path}: {reason}")
        return path, reason


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _required(name: str, variables: Mapping[str, Any], key: str) -> str:
    value = variables.get(key)
    if not value:
        raise ConfigError(
            f"{name} has no host variable {key}, which the inventory plugin flotilla.coreos.droplets sets"
        )
    return str(value)


def _settings(arguments: Mapping[str, Any], *, is_dry: bool) -> Settings:
    return Settings(
        cluster_name=arguments["cluster_name"],
        names=ClusterNames(
            cluster_domain=arguments["cluster_domain"],
            service_api_ip=arguments["service_api_ip"],
            api_endpoints=tuple(arguments["api_endpoint"]),
        ),
        timeout_s=arguments["timeout_s"],
        renew_days=arguments["renew_days"],
        is_dry=is_dry,
    )


def _result(outcome: HandoverOutcome, *, is_changed: bool) -> dict[str, Any]:
    """Return what may be shown and stored: names and dates, never key material."""
    return {
        "changed": is_changed or outcome.is_minted or any(node.signed for node in outcome.nodes.values()),
        "authorities": "minted" if outcome.is_minted else "read",
        "nodes": {
            name: {
                "signed": list(node.signed),
                "kept": list(node.kept),
                "expires": node.expires.isoformat() if node.expires else None,
            }
            for name, node in outcome.nodes.items()
        },
    }
