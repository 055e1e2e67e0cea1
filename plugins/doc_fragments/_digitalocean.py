# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """The options of every module that talks to the API. Twin: module_utils/_digitalocean/options.py."""

    DOCUMENTATION = r"""
options:
  api_token:
    description:
      - DigitalOcean API token, with the right to read and to write.
      - If absent or empty, the environment variable E(DIGITALOCEAN_ACCESS_TOKEN) is used, then E(DO_API_TOKEN).
    type: str
  api_url:
    description:
      - URL of the API, with its version.
      - If absent or empty, the environment variable E(DIGITALOCEAN_END_POINT) is used,
        then V(https://api.digitalocean.com/v2/).
    type: str
requirements:
  - python-digitalocean == 1.17.0
notes:
  - In the action group C(flotilla.coreos.digitalocean), so C(module_defaults) can hold token and URL for a play.
"""
