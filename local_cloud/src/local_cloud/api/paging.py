# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["Page"]

_DEFAULT_PER_PAGE = 20
_MOST_PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that a request asks for."""

    number: int
    per_page: int

    @classmethod
    def of(cls, request: Request) -> Page:
        """Read `page` and `per_page`; what makes no sense counts as absent, what is too much as the most."""
        number = _positive(request.query_params.get("page"), 1)
        per_page = _positive(request.query_params.get("per_page"), _DEFAULT_PER_PAGE)
        return cls(number, min(per_page, _MOST_PER_PAGE))

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.per_page

    def cut(self, items: list[Any]) -> list[Any]:
        return items[self.offset : self.offset + self.per_page]

    def envelope(self, request: Request, key: str, items: list[Any], total: int) -> dict[str, Any]:
        """The answer around one page: the items, `links` that keep the request's filters, `meta`."""
        last = max(1, -(-total // self.per_page))
        pages: dict[str, int] = {}
        if self.number > 1:
            pages |= {"first": 1, "prev": min(self.number - 1, last)}
        if self.number < last:
            pages |= {"next": self.number + 1, "last": last}
        links = {"pages": {rel: self._url(request, number) for rel, number in pages.items()}} if pages else {}
        return {key: items, "links": links, "meta": {"total": total}}

    def _url(self, request: Request, number: int) -> str:
        query = {**request.query_params, "page": number, "per_page": self.per_page}
        return f"{request.url.scheme}://{request.url.netloc}{request.url.path}?{urlencode(query)}"


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else default
