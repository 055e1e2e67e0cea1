#!/usr/bin/python
# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: pinned checksums of artifacts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact_checksums
short_description: Pin the files that nodes download to their SHA-256, and see that they are there
version_added: 0.1.0
description:
  - Reads the checksums that publishers give, over HTTPS, so that nodes can check what they download without asking
    anyone. A file without a checksum is refused.
  - Asks for each file's head, so that a wrong version or a mirror that lacks it comes to light before any droplet is
    created.
author:
  - flotilla.coreos contributors (@flotilla)
extends_documentation_fragment:
  - flotilla.coreos._attributes
  - flotilla.coreos._attributes.read_only
requirements:
  - requests
options:
  artifacts:
    description:
      - The files. C(name) and C(url), an https URL of the publisher's, are required.
      - C(sha256) pins the file; without it C(checksum_url) is read in the form C(checksum_format), one of V(bare) (the
        hash alone), V(sums) (lines of hash and file name) and V(github) (a release as the GitHub API describes it).
      - Other keys are handed through.
    type: list
    elements: dict
    required: true
  artifact_mirror:
    description:
      - URL of a mirror that serves each file under C(HOST/PATH) of its publisher's URL, and beside it the bare
        SHA-256 as C(PATH.sha256), which is then read in place of O(artifacts[].checksum_url). May be plain http.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Pin the kubelet
  flotilla.coreos.artifact_checksums:
    artifacts:
      - name: kubelet
        url: https://dl.k8s.io/release/v1.37.2/bin/linux/amd64/kubelet
        checksum_url: https://dl.k8s.io/release/v1.37.2/bin/linux/amd64/kubelet.sha256
        checksum_format: bare
        dest: /opt/bin/kubelet
  register: pinned
"""

RETURN = r"""
artifacts:
  description: The files in the order given, with all the keys given and these.
  type: list
  elements: dict
  returned: success
  contains:
    sha256:
      description: The SHA-256, 64 hexadecimal digits.
      type: str
      sample: cf2562db46c48ab84cc3791540778ee7fb1a0a008529adbb434723dd02ed8b4b
    urls:
      description: Where to download from, the mirror first.
      type: list
      elements: str
      sample: [https://dl.k8s.io/release/v1.37.2/bin/linux/amd64/kubelet]
    size_bytes:
      description: The file's size; null if the server does not tell.
      type: int
      sample: 81788928
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.flotilla.coreos.plugins.module_utils._artifacts import artifact_from, pin_all
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import errors_reported
from ansible_collections.flotilla.coreos.plugins.module_utils._http import REQUESTS_IMPORT_ERROR, PlainHttp
from ansible_collections.flotilla.coreos.plugins.module_utils._wait import SystemClock

if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the module."""
    options: dict[str, dict[str, Any]] = {
        "artifacts": {"type": "list", "elements": "dict", "required": True},
        "artifact_mirror": {"type": "str", "default": ""},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    if REQUESTS_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    given = module.params["artifacts"]
    with errors_reported(module):
        artifacts = [artifact_from(item) for item in given]
        pinned = pin_all(artifacts, module.params["artifact_mirror"].strip(), PlainHttp(SystemClock()))
    results = [item | pin.to_result() for item, pin in zip(given, pinned, strict=True)]
    module.exit_json(changed=False, artifacts=results)


if __name__ == "__main__":
    main()
