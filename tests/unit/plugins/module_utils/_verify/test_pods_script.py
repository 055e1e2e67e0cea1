# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that asks other nodes' test pods, with stand-ins for the node's programs."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._verify.pods import SCRIPT

REACHABLE = 'case "$*" in *10.244.1.9*|*10.244.2.9*) echo 0.003400 ;; *) exit 7 ;; esac'


@pytest.fixture
def run(tmp_path):
    """Run the script; this test's own process stands for the pod's."""

    def go(*others, has_pod=True):
        found = f"echo /proc/{os.getpid()}/cgroup" if has_pod else "exit 1"
        for name, body in {"nsenter": REACHABLE, "grep": found}.items():
            path = tmp_path / name
            path.write_text(f"#!/bin/bash\n{body}\n")
            path.chmod(0o755)
        process = subprocess.run(
            ["bash", "-s", "--", "0", "some-uid", *others],
            input=SCRIPT.read_text(),
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        )
        said = json.loads(process.stdout)
        return said["ok"], said["seen"]

    return go


def test_all_pods_that_answer_are_counted_with_the_slowest_time(run):
    assert run("w1=10.244.1.9", "w2=10.244.2.9") == (
        True,
        "pods of other nodes that answer: 2 of 2, the slowest in 3 ms",
    )


def test_pods_that_do_not_answer_are_named_with_their_nodes(run):
    assert run("w1=10.244.1.9", "w3=10.244.3.9", "w4=10.244.4.9") == (
        False,
        "no answer from the pod 10.244.3.9 on w3, the pod 10.244.4.9 on w4",
    )


def test_single_node_has_nobody_to_ask(run):
    assert run() == (True, "there is no other node")


def test_missing_test_pod_is_told(run):
    assert run("w1=10.244.1.9", has_pod=False) == (False, "no process of the test pod some-uid on this node")
