# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all modules of the API share, and how a module starts. Twin: doc_fragments/_digitalocean.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import (
    DEFAULT_END_POINT,
    LIBRARY,
    LIBRARY_IMPORT_ERROR,
    ApiAccess,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["access_from", "create_module"]

_TOKEN_VARIABLES = ("DIGITALOCEAN_ACCESS_TOKEN", "DO_API_TOKEN")
_END_POINT_VARIABLES = ("DIGITALOCEAN_END_POINT",)
_COMMON: dict[str, dict[str, Any]] = {
    "api_token": {"type": "str", "no_log": True},
    "api_url": {"type": "str"},
}


def create_module(
    options: Mapping[str, Mapping[str, Any]], *, required_if: Sequence[tuple[Any, ...]] = ()
) -> AnsibleModule:
    """Return the module, or end it with a sentence if the library is missing."""
    module = AnsibleModule(
        argument_spec={**_COMMON, **options}, required_if=list(required_if), supports_check_mode=True
    )
    if LIBRARY_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib(LIBRARY), exception=LIBRARY_IMPORT_ERROR)
    return module


def access_from(params: Mapping[str, Any]) -> ApiAccess:
    """Return the access that the parameters and, where they are empty, the environment give.

    An option can be there and empty: so arrive unanswered survey questions and look-ups of unset variables.
    """
    return ApiAccess(
        token=_first(params.get("api_token"), _TOKEN_VARIABLES),
        end_point=_first(params.get("api_url"), _END_POINT_VARIABLES) or DEFAULT_END_POINT,
    )


def _first(given: str | None, variables: Sequence[str]) -> str:
    candidates = [given, *(os.environ.get(variable) for variable in variables)]
    return next((text.strip() for text in candidates if text and text.strip()), "")
