# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.client import DEFAULT_END_POINT
from ansible_collections.flotilla.coreos.plugins.module_utils._digitalocean.options import access_from


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DIGITALOCEAN_ACCESS_TOKEN", "DO_API_TOKEN", "DIGITALOCEAN_END_POINT"):
        monkeypatch.delenv(variable, raising=False)


def test_option_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_ACCESS_TOKEN", "env")
    monkeypatch.setenv("DIGITALOCEAN_END_POINT", "http://env/v2/")
    access = access_from({"api_token": "given\n", "api_url": "http://given/v2/"})
    assert (access.token, access.end_point) == ("given", "http://given/v2/")


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_empty_option_falls_back_to_the_environment(monkeypatch: pytest.MonkeyPatch, empty: str | None) -> None:
    monkeypatch.setenv("DO_API_TOKEN", "second")
    access = access_from({"api_token": empty, "api_url": empty})
    assert (access.token, access.end_point) == ("second", DEFAULT_END_POINT)
    monkeypatch.setenv("DIGITALOCEAN_ACCESS_TOKEN", "first")
    assert access_from({"api_token": empty}).token == "first"
