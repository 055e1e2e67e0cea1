# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from ansible_collections.flotilla.coreos.plugins.module_utils._errors import (
    ApiError,
    CollectionError,
    ConfigError,
    RateLimitedError,
    TransportError,
    WaitTimeoutError,
    errors_reported,
)


class FailedError(Exception):
    """What a module's end is here: fail_json must not return."""


class FakeModule:
    def __init__(self) -> None:
        self.result: dict[str, Any] = {}

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        self.result = {"msg": msg, **kwargs}
        raise FailedError


FAILURES = [
    (CollectionError("No."), {"kind": "CollectionError", "message": "No."}),
    (ConfigError("No."), {"kind": "ConfigError", "message": "No.", "problems": ["No."]}),
    (
        ApiError("No.", status=422, code="unprocessable_entity", request_id="5f0c"),
        {
            "kind": "ApiError",
            "message": "No.",
            "status": 422,
            "code": "unprocessable_entity",
            "request_id": "5f0c",
        },
    ),
    (
        RateLimitedError("No.", retry_after_s=7.0),
        {
            "kind": "RateLimitedError",
            "message": "No.",
            "status": 429,
            "code": None,
            "request_id": None,
            "retry_after_s": 7.0,
        },
    ),
    (TransportError("No.", sent="unknown"), {"kind": "TransportError", "message": "No.", "sent": "unknown"}),
    (
        WaitTimeoutError("droplet worker-2", last="new", waited_s=60.04, hint="Run again."),
        {
            "kind": "WaitTimeoutError",
            "message": "Waited 60 s for droplet worker-2; last seen: new. Run again.",
            "what": "droplet worker-2",
            "last": "new",
            "waited_s": 60.0,
        },
    ),
]


@pytest.mark.parametrize(("error", "failure"), FAILURES)
def test_error_ends_the_module_with_its_sentence_and_its_data(error: CollectionError, failure: dict[str, Any]) -> None:
    module = FakeModule()
    with pytest.raises(FailedError), errors_reported(module):
        raise error
    assert module.result == {"msg": str(error), "failure": failure}
    assert str(error) == failure["message"]


def test_other_exception_is_a_bug_and_passes_through() -> None:
    module = FakeModule()
    with pytest.raises(KeyError), errors_reported(module):
        raise KeyError("bug")
    assert module.result == {}


def test_hint_of_the_caller_becomes_part_of_the_message() -> None:
    error = ApiError("HTTP 500.", status=500).with_hint("Run again.")
    assert str(error) == "HTTP 500. Run again."
    assert error.as_failure()["message"] == "HTTP 500. Run again."
    assert error.status == 500
