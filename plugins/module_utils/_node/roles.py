# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of the nodes' roles: a kubelet may not give itself one, so a control plane does it for nodes that are new."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.flotilla.coreos.plugins.module_utils._node.connection import NodeConnection

__all__ = ["label_roles"]

# A node that is up registers as soon as an API server answers it, which may be a moment later.
_REGISTER_WAIT_S = 60
# Arguments: seconds, then the nodes that have to be registered by then.
_SCRIPT = """set -eu
wait_s=$1
shift
until said=$(/opt/bin/kubectl --kubeconfig=/etc/kubernetes/super-admin.conf get node "$@" -o name 2>&1); do
  if [ "$SECONDS" -ge "$wait_s" ]; then printf '%s\\n' "$said" >&2; exit 1; fi
  sleep 0.5
done
exec /opt/flotilla/bin/node-roles
"""


def label_roles(control_plane: NodeConnection, nodes: Sequence[str]) -> None:
    """Wait until the nodes are registered in the cluster, then label all by role. Raises NodeError."""
    control_plane.run_script(_SCRIPT, str(_REGISTER_WAIT_S), *nodes, what=f"label {', '.join(nodes)} by role")
