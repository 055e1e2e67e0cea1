# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory plugin: the droplets of an account."""

from __future__ import annotations

DOCUMENTATION = r"""
name: droplets
short_description: Droplets of flotilla clusters as hosts
version_added: 0.1.0
description:
  - Makes a host of every droplet that carries the tags of a flotilla cluster. Other droplets are passed over.
  - Without any such droplet the inventory is empty, which is no fault, since a first run starts so.
  - Groups are C(kube_control_plane) and C(etcd) (control planes), C(kube_node) (workers), C(pool_NAME) and
    C(cluster_NAME), with underscores for hyphens.
  - Variables are C(ansible_host) (the public address), C(flotilla_droplet_id), C(flotilla_public_ipv4),
    C(flotilla_private_ipv4), C(flotilla_cluster), C(flotilla_role) (C(control-plane) or C(worker)), C(flotilla_pool),
    C(flotilla_spec), C(flotilla_ready), C(flotilla_status), C(flotilla_region), C(flotilla_size), C(flotilla_tags).
author: [flotilla.coreos contributors (@flotilla)]
extends_documentation_fragment:
  - constructed
  - inventory_cache
requirements:
  - python-digitalocean == 1.17.0
options:
  plugin:
    description: Marks the file as one for this plugin. Its name must end in C(droplets.yml) or C(droplets.yaml).
    type: str
    required: true
    choices: [flotilla.coreos.droplets]
  api_token:
    description:
      - DigitalOcean API token; the right to read is enough. May be a template.
      - If empty, E(DIGITALOCEAN_ACCESS_TOKEN) is used, then E(DO_API_TOKEN).
    type: str
    default: ""
  api_url:
    description:
      - URL of the API, with its version. May be a template.
      - If empty, E(DIGITALOCEAN_END_POINT) is used, then V(https://api.digitalocean.com/v2/).
    type: str
    default: ""
  cluster_name:
    description: Only the droplets of this cluster; of all clusters if empty. May be a template.
    type: str
    default: ""
"""

EXAMPLES = r"""
# flotilla.droplets.yml
plugin: flotilla.coreos.droplets
cluster_name: demo

# A token from a file, and a group for each region
---
plugin: flotilla.coreos.droplets
api_token: "{{ lookup('ansible.builtin.file', '~/.config/flotilla/token') }}"
keyed_groups:
  - key: flotilla_region
    prefix: region
"""

from typing import TYPE_CHECKING, Any, cast

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import LIBRARY, LIBRARY_IMPORT_ERROR
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.hosts import HostEntry, host_entries
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.lookups import (
    all_droplets,
    droplets_tagged,
)
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.naming import cluster_tag
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.options import access_from
from ansible_collections.flotilla.coreos.plugins.module_utils._errors import CollectionError

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

_SUFFIXES = ("droplets.yml", "droplets.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the account, or the cache, and adds the hosts."""

    NAME = "flotilla.coreos.droplets"

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin, by its name."""
        return bool(super().verify_file(path)) and path.endswith(_SUFFIXES)

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fill the inventory. Raises AnsibleParserError with a sentence for whatever the account refuses."""
        super().parse(inventory, loader, path, cache)
        if LIBRARY_IMPORT_ERROR:
            raise AnsibleParserError(f"The inventory plugin {self.NAME} needs the Python library {LIBRARY}.")
        self._read_config_data(path)
        for host in self._hosts(self.get_cache_key(path), use_cache=cache and bool(self.get_option("cache"))):
            self._add(inventory, host)

    def _hosts(self, key: str, *, use_cache: bool) -> list[HostEntry]:
        if use_cache and key in self._cache:
            return cast("list[HostEntry]", self._cache[key])
        hosts = self._fetch()
        if self.get_option("cache"):
            self._cache[key] = hosts
        return hosts

    def _fetch(self) -> list[HostEntry]:
        cluster = self._templated("cluster_name")
        access = access_from({name: self._templated(name) for name in ("api_token", "api_url")})
        try:
            client = access.client()
            droplets = droplets_tagged(client, cluster_tag(cluster)) if cluster else all_droplets(client)
        except CollectionError as error:
            raise AnsibleParserError(f"The droplets of the account cannot be listed. {error}") from error
        return host_entries(droplets, cluster or None)

    def _templated(self, name: str) -> str:
        try:
            value = self.templar.template(self.get_option(name))
        except AnsibleError as error:
            raise AnsibleParserError(f"The option {name} of {self.NAME} cannot be evaluated: {error}") from error
        return str(value or "").strip()

    def _add(self, inventory: InventoryData, host: HostEntry) -> None:
        name = inventory.add_host(host["name"])
        for group in host["groups"]:
            inventory.add_child(inventory.add_group(group), name)
        variables = cast("dict[str, Any]", host["variables"])
        for key, value in variables.items():
            inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)
