# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

__all__ = ["ApiProblem", "TagNameProblem", "not_found", "not_implemented", "unprocessable"]


class ApiProblem(Exception):
    """An answer that is an error: HTTP status, the API's id for it, and its text."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self, request_id: str) -> dict[str, Any]:
        return {"id": self.code, "message": self.message, "request_id": request_id}


class TagNameProblem(ApiProblem):
    """The tag endpoints report bad requests in a shape of their own, without id and message."""

    def body(self, request_id: str) -> dict[str, Any]:
        return {"error": self.message, "messages": None, "root_causes": []}


def not_found(message: str = "The resource you were accessing could not be found.") -> ApiProblem:
    return ApiProblem(404, "not_found", message)


def unprocessable(message: str) -> ApiProblem:
    return ApiProblem(422, "unprocessable_entity", message)


def not_implemented(what: str) -> ApiProblem:
    return ApiProblem(501, "not_implemented", f"The local cloud does not emulate {what}.")
