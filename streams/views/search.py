"""`/c/search`: a person's own conversations by words in their titles and messages."""

from __future__ import annotations

from typing import Any

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


class Search(Resource):
    def get(self, request: Request) -> HttpResponse:
        """Raises Invalid for a text that is too long."""
        asked = request.GET.get("q", "")
        if len(asked) > LONGEST:
            told = gettext("Search for at most %(most)d characters.")
            raise Invalid(told % {"most": LONGEST}, field="q")
        results = [as_dict(found, asked) for found in find(request.user, asked)]
        if wants_json(request):
            return JsonResponse({"results": results})
        context = {"asked": asked, "results": results, "elsewhere": "search"}
        return render(request, "streams/search.html", context | beside(request, paged=False))


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
    }
