# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin run_lock; everything runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Let only one run at a time work on a cluster from this controller
version_added: 0.1.0
author: [flotilla.coreos contributors (@flotilla)]
description:
  - Takes the lock of a cluster for the running ansible process, and fails with the name of the holder if another living
    process has it. The lock of a process that has ended is taken over without a word, so nothing is needed after
    Ctrl-C or kill -9.
  - Runs of other controllers meet the lock that M(flotilla.coreos.certificates) holds on a control plane.
attributes:
  check_mode:
    description: Takes nothing, but fails as well if another run holds the lock.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  cluster_name:
    description: The cluster's name.
    type: str
    required: true
  state:
    description: Whether to take the lock or to give it back. It ends with the process in any case.
    type: str
    choices: [held, released]
    default: held
  output_dir:
    description: Where the lock is, in a folder of the cluster's name.
    type: path
    default: .state
"""

EXAMPLES = r"""
- name: Let nobody else work on this cluster
  flotilla.coreos.run_lock:
    cluster_name: demo
"""

RETURN = r"""
path:
  description: Path of the lock.
  returned: success
  type: str
  sample: .state/demo/run.lock
failure:
  description: What failed, as data; C(holder) is who holds the lock.
  returned: failure
  type: dict
  sample: {kind: RunLockedError, holder: ann@laptop pid 17 start 99 since 2026-11-23T10:00:00Z}
"""
