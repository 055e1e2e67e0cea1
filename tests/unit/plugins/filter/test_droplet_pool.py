# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

from ansible_collections.flotilla.coreos.plugins.filter.droplet_pool import FilterModule, droplet_pool

USER_DATA = {"control-plane": "#!/bin/sh\n", "worker": f"#cloud-config\n# specification {'ab' * 32}\n"}


def test_control_planes_carry_the_tags_of_their_role() -> None:
    pool = {"name": "control-plane", "count": "3", "size": "s-2vcpu-4gb"}
    digest = hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    assert droplet_pool(pool, cluster_name="demo", token="t1", user_data=USER_DATA) == {
        "names": ["demo-control-plane-1", "demo-control-plane-2", "demo-control-plane-3"],
        "size": "s-2vcpu-4gb",
        "tags": [
            "flotilla:demo",
            "flotilla:demo:control-plane",
            "flotilla:demo:discovery:t1",
            f"flotilla:demo:spec:{digest[:16]}",
        ],
        "user_data": "#!/bin/sh\n",
    }


def test_workers_carry_their_pool_and_the_digest_of_what_their_user_data_says() -> None:
    pool = {"name": "worker", "count": 1, "size": "s-2vcpu-2gb"}
    tags = droplet_pool(pool, cluster_name="demo", token="t1", user_data=USER_DATA)["tags"]
    assert tags[1] == "flotilla:demo:pool:worker"
    assert tags[3] == "flotilla:demo:spec:abababababababab"


def test_filter_is_found_by_its_name() -> None:
    assert FilterModule().filters() == {"droplet_pool": droplet_pool}
