# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module in this process, from its arguments to the JSON that it prints."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from tests.unit.account_fakes import TOKEN, StubServer

ModuleRunner = Callable[..., dict[str, Any]]
PLUGINS = "ansible_collections.flotilla.coreos.plugins.modules"


@pytest.fixture
def run_module(server: StubServer, capsys: pytest.CaptureFixture[str]) -> ModuleRunner:
    """Return a function that runs a module of the API against the account in memory."""

    def run(name: str, /, *, check: bool = False, **params: Any) -> dict[str, Any]:
        access = {} if name == "artifact_checksums" else {"api_token": TOKEN, "api_url": f"{server.url}/v2"}
        arguments = {**access, "_ansible_check_mode": check, **params}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            importlib.import_module(f"{PLUGINS}.{name}").main()
        result = json.loads(capsys.readouterr().out)
        assert isinstance(result, dict)
        return result

    return run
