# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers hold to DigitalOcean's own description of them.

The document is no part of this package: LOCAL_CLOUD_CONTRACT names it. Without it these tests are skipped, loudly.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from paper_cloud import PUBLIC_KEY, Cloud

if TYPE_CHECKING:
    import requests

_REPOSITORY = Path(__file__).resolve().parents[2]
_DOCUMENT = Path(
    os.environ.get("LOCAL_CLOUD_CONTRACT") or _REPOSITORY / "../shared/contracts/digitalocean-v2.openapi.json"
)


@cache
def _contract() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_DOCUMENT.read_text())
    schemas = document["components"]["schemas"]
    # Where the document is at odds with the live API: YAML read "off" as false, and the list of regions is years old.
    statuses = schemas["droplet"]["properties"]["status"]["enum"]
    statuses[statuses.index(False)] = "off"
    for name in ("regions_array", "region_slug"):
        _drop_enum(schemas[name])
    converted: dict[str, Any] = _as_json_schema(document)
    return converted


def _drop_enum(schema: Any) -> None:
    if isinstance(schema, dict):
        schema.pop("enum", None)
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _drop_enum(part)


def _as_json_schema(part: Any) -> Any:
    """OpenAPI 3.0 writes null as a flag; and examples are no part of the promise."""
    if isinstance(part, list):
        return [_as_json_schema(item) for item in part]
    if not isinstance(part, dict):
        return part
    converted = {key: _as_json_schema(value) for key, value in part.items() if key != "example"}
    if converted.pop("nullable", False) is True:
        return {"anyOf": [{"type": "null"}, converted]}
    return converted


@pytest.fixture(autouse=True)
def _document() -> None:
    if not _DOCUMENT.exists():
        message = f"NOT CHECKED against the contract: {_DOCUMENT} is missing; set LOCAL_CLOUD_CONTRACT to its path"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)


def _check(answer: requests.Response) -> dict[str, Any]:
    """Validate one answer against what the document says of its method, path and status."""
    assert answer.request.method is not None
    path = answer.request.path_url.partition("?")[0].rstrip("/")
    # /v2/droplets/actions before /v2/droplets/{droplet_id}
    templates = sorted(_contract()["paths"], key=lambda template: template.count("{"))
    template = next(template for template in templates if _matches(template, path))
    responses = _contract()["paths"][template][answer.request.method.lower()]["responses"]
    response = responses.get(str(answer.status_code)) or responses["default"]
    if "content" not in response:
        assert answer.content == b""
        return {}
    # Error bodies are the exception: the document gives them here and there without their place.
    schema = {**response["content"]["application/json"]["schema"], "components": _contract()["components"]}
    body: dict[str, Any] = answer.json()
    jsonschema.validate(body, schema, cls=jsonschema.Draft7Validator, format_checker=jsonschema.FormatChecker())
    for header in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
        assert header in answer.headers or answer.status_code == 401
    return body


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path) is not None


@pytest.fixture
def populated(cloud: Cloud) -> tuple[Cloud, int]:
    cloud.add_key()
    number = cloud.create_active("web-1", tags=["blue"])[0]["id"]
    cloud.create_active("web-2", "web-3", tags=["blue"])
    return cloud, number


READ = [
    "account", "account/keys", "actions", "droplets", "droplets?per_page=1", "droplets?tag_name=blue&per_page=1&page=2",
    "droplets/{id}", "droplets/{id}/actions", "droplets/{id}/backups", "droplets/{id}/snapshots",
    "droplets/{id}/firewalls", "droplets/{id}/neighbors", "images", "images/flatcar-stable", "regions?per_page=200",
    "sizes?per_page=200", "tags", "tags/blue", "vpcs", "droplets/999", "actions/999", "tags/none", "account/keys/9",
]  # fmt: skip


@pytest.mark.parametrize("path", READ)
def test_reading_holds_to_the_contract(populated: tuple[Cloud, int], path: str) -> None:
    cloud, number = populated
    _check(cloud.call("GET", path.format(id=number)))


def test_life_of_a_droplet_holds_to_the_contract(cloud: Cloud) -> None:
    one = _check(cloud.call("POST", "droplets", cloud.order("web-1", tags=["blue"])))
    _check(cloud.call("POST", "droplets", cloud.order("web-2", "web-3")))
    number = one["droplet"]["id"]
    _check(cloud.call("GET", f"actions/{one['links']['actions'][0]['id']}"))
    cloud.settle(number)
    vpc = _check(cloud.call("GET", "vpcs"))["vpcs"][0]["id"]
    _check(cloud.call("GET", f"vpcs/{vpc}"))
    _check(cloud.call("GET", f"vpcs/{vpc}/members"))
    action = _check(cloud.call("POST", f"droplets/{number}/actions", {"type": "power_off"}))["action"]["id"]
    assert cloud.settle(number)["status"] == "off"
    _check(cloud.call("GET", f"droplets/{number}/actions/{action}"))
    _check(cloud.call("GET", f"droplets/{number}"))
    _check(cloud.call("POST", f"droplets/{number}/actions", {"type": "power_off"}))
    _check(cloud.call("POST", "droplets/actions?tag_name=blue", {"type": "power_on"}))
    _check(cloud.call("DELETE", f"droplets/{number}"))
    _check(cloud.call("DELETE", "droplets?tag_name=blue"))


def test_keys_and_tags_hold_to_the_contract(cloud: Cloud) -> None:
    key = _check(cloud.call("POST", "account/keys", {"name": "ops", "public_key": PUBLIC_KEY}))["ssh_key"]
    _check(cloud.call("GET", f"account/keys/{key['fingerprint']}"))
    _check(cloud.call("PUT", f"account/keys/{key['id']}", {"name": "new"}))
    _check(cloud.call("DELETE", f"account/keys/{key['id']}"))
    _check(cloud.call("POST", "tags", {"name": "blue"}))
    _check(cloud.call("POST", "tags", {"name": "not.valid"}))
    body = {"resources": [{"resource_id": "1", "resource_type": "droplet"}]}
    _check(cloud.call("POST", "tags/blue/resources", body))
    _check(cloud.call("DELETE", "tags/blue/resources", body))
    _check(cloud.call("DELETE", "tags/blue"))


def test_refusals_hold_to_the_contract(cloud: Cloud) -> None:
    _check(cloud.call("POST", "droplets", cloud.order("a_b")))
    _check(cloud.call("GET", "account", token="wrong"))
