"""`/c/search`: a person's own conversations by words in their titles and messages."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext

from streams import search_lexemes
from streams.conversation_list_query import name_of
from streams.exceptions import Invalid
from streams.search_query import Found, find, said

from .conversation_list import beside
from .negotiation import wants_json
from .pages import render
from .resource import Request, Resource

LONGEST = 200  # characters asked for
SHOWN = 3  # messages of one conversation that are not folded; search.js says the same


class Search(Resource):
    def get(self, request: Request) -> HttpResponse:
        """Raises Invalid for a text that is too long."""
        asked = request.GET.get("q", "")
        if len(asked) > LONGEST:
            told = gettext("Search for at most %(most)d characters.")
            raise Invalid(told % {"most": LONGEST}, field="q")
        within = within_of(request)
        results = [as_dict(found, asked) for found in find(request.user, asked, within)]
        if wants_json(request):
            return JsonResponse({"results": results})
        context = {
            "asked": asked,
            "groups": groups(results, asked, within),
            "within": within,
            "elsewhere": "search",
        }
        return render(request, "streams/search.html", context | beside(request, paged=False))


def within_of(request: Request) -> UUID | None:
    """Raises Invalid."""
    given = request.GET.get("conversation")
    try:
        return UUID(given) if given else None
    except ValueError as error:
        told = gettext("This conversation isn't here, or isn't yours.")
        raise Invalid(told, field="conversation") from error


class Group(NamedTuple):
    """What was found in one conversation: `first` stands with its title, `shown` below it, and
    `folded` behind a line that says that there are `more`. `all` is the address of the search in it
    alone, "" where everything is here.
    """

    first: dict[str, Any]
    shown: list[dict[str, Any]]
    folded: list[dict[str, Any]]
    more: int
    all: str


def groups(results: list[dict[str, Any]], asked: str, within: UUID | None) -> list[Group]:
    """Groups results by conversation, in the order of the first of each, as search.js does."""
    by_conversation: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        by_conversation.setdefault(result["conversation"], []).append(result)
    return [group(these, asked, within) for these in by_conversation.values()]


def group(results: list[dict[str, Any]], asked: str, within: UUID | None) -> Group:
    first, *others = results
    shown = len(others) if within else SHOWN if first["message"] is None else SHOWN - 1
    missing = max(it["found"] for it in results) - sum(bool(it["message"]) for it in results)
    query = urlencode({"q": asked, "conversation": first["conversation"]})
    return Group(
        first=first,
        shown=others[:shown],
        folded=others[shown:],
        more=len(others[shown:]) + missing,
        all=f"{reverse('streams:search')}?{query}" if missing else "",
    )


def as_dict(found: Found, asked: str) -> dict[str, Any]:
    """A title has no message. `match` is empty where a word of the text is not found as it is."""
    text = found.title if found.blocks is None else said(found.blocks)
    before, match, after = search_lexemes.excerpt(text, asked)
    url = reverse("streams:conversation", args=[found.conversation])
    return {
        "conversation": str(found.conversation),
        "url": f"{url}?branch={found.message}#m-{found.message}" if found.message else url,
        "name": name_of(found.title, None),
        "message": str(found.message) if found.message else None,
        "role": found.role,
        "at": found.at,
        "before": before,
        "match": match,
        "after": after,
        "found": found.of_conversation,
    }
