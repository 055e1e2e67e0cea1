# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From files and units to user data."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cloud_config
short_description: Files and units as the cloud-config that coreos-cloudinit applies
version_added: 0.1.0
description:
  - Writes a C(#cloud-config) for the coreos-cloudinit of Flatcar Container Linux. The same input gives the same text.
  - A file goes as it is if it is small and nothing on the way would alter it, else packed by gzip and base64.
  - Refuses what coreos-cloudinit would ignore, reject or alter, and more than the 64 KiB that DigitalOcean takes. All
    problems are named at once.
  - The second line is C(# specification) and the SHA-256 of what the document says, whatever compressed it.
author: [flotilla.coreos contributors (@flotilla)]
options:
  _input:
    description:
      - C(files), a list of dictionaries with C(path), C(content), C(mode) (a string, default V(0644)) and C(owner).
      - C(units), a list of dictionaries with C(name), C(content), C(command) and C(enable).
      - C(hostname) and C(ssh_authorized_keys), which droplets normally have from the metadata service.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show a small cloud-config
  ansible.builtin.debug:
    msg: "{{ {'files': [{'path': '/etc/motd', 'content': 'Hello.\n'}],
              'units': [{'name': 'kubernetes.target', 'command': 'start'}]} | flotilla.coreos.cloud_config }}"
"""

RETURN = r"""
_value:
  description: The user data.
  type: str
"""

from typing import TYPE_CHECKING

from ansible.errors import AnsibleFilterError

from ansible_collections.flotilla.coreos.plugins.module_utils._cloud_config import CloudConfig, render
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError

if TYPE_CHECKING:
    from collections.abc import Callable


def cloud_config(document: object) -> str:
    """Return the document as user data."""
    try:
        return render(CloudConfig.from_mapping(document))
    except CollectionError as error:
        raise AnsibleFilterError(f"cloud_config: {error}") from error


class FilterModule:
    """The filter, as Ansible looks it up."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by name."""
        return {"cloud_config": cloud_config}
