"""What all of OpenAI's addresses have in common: errors in its shape, and its lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from streams.exceptions import BudgetSpent, Invalid, NotFound, StreamsError
from streams.text_cleaning import clean

from .endpoint import DialectView, body_of, body_with_files

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}
# As OpenAI has no 422: its clients take any 400 for a request that was wrong.
STATUSES = {422: 400}
MOST = 100


class OpenAIView(DialectView):
    def sent(self, request: HttpRequest) -> Mapping[str, Any]:
        """Returns the body, its texts as PostgreSQL can hold them. Raises what
        `body_with_files` raises."""
        body = body_with_files if self.takes_files else body_of
        found: Mapping[str, Any] = cleaned(body(request))
        return found

    @staticmethod
    def refusal(error: StreamsError) -> dict[str, Any]:
        return error_body(error)

    def refused(self, request: HttpRequest, error: StreamsError) -> HttpResponse:
        response = super().refused(request, error)
        response.status_code = STATUSES.get(error.status, error.status)
        # Clients ask again by themselves, and would be told the same.
        if error.status == 409 or isinstance(error, BudgetSpent):
            response["x-should-retry"] = "false"
        return response


def cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): cleaned(each) for name, each in value.items()}
    return [*map(cleaned, value)] if isinstance(value, list) else value


def error_body(error: StreamsError) -> dict[str, Any]:
    code = "invalid_api_key" if error.status == 401 else error.code
    kind = TYPES.get(error.status, "invalid_request_error")
    return {"error": {"message": error.message, "type": kind, "param": error.field, "code": code}}


def listed(items: Iterable[Mapping[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """Returns a page of items, which come in the order that was asked for.

    `?limit=` is 1 to 100, and `?after=` the id of the last item seen. Raises NotFound for an
    unknown one, and Invalid.
    """
    most, after = limit(query), query.get("after")
    page: list[Mapping[str, Any]] = []
    found = not after
    for item in items:
        if not found:
            found = item["id"] == after
        elif len(page) <= most:
            page.append(item)
        if len(page) > most:
            break
    if not found:
        raise NotFound(f"There is no item {str(after)[:80]!r} here.", field="after")
    more, page = len(page) > most, page[:most]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
    empty = {"first_id": None, "last_id": None}
    return {"object": "list", "data": page, "has_more": more} | empty | ends


def limit(query: Mapping[str, str]) -> int:
    given = query.get("limit", "20")
    if not (given.isascii() and given.isdecimal() and len(given) < 4 and 1 <= int(given) <= MOST):
        raise Invalid(f"limit is 1 to {MOST}.", field="limit")
    return int(given)


def newest_first(query: Mapping[str, str]) -> bool:
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise Invalid("order is asc or desc.", field="order")
    return order == "desc"
