"""`/shared/<token>/`: the copy of a conversation that a link shows, to anybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from streams import markdown
from streams.conf import conf
from streams.markdown.render_budget import limited, turn
from streams.models import Share
from streams.providers.model_names import words_of

from .conversation import number_of
from .endpoint import Endpoint
from .negotiation import wants_json
from .pages import render

HEADERS = {
    "X-Robots-Tag": "noindex, nofollow",  # who has the link was given it
    "Referrer-Policy": "no-referrer",  # or each page that it leads to would learn the link
}


class Shared(Endpoint):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Returns a part of the copy, from message number `?from=` (0 is the first)."""
        share: Any = Share.by_token(token)
        first = min(max(0, number_of(request, "from") or 0), share.length)
        most = conf().page_messages or max(1, share.length)
        following = first + most if first + most < share.length else None
        # One at a time of each link: who asks for it again and again delays nobody else.
        with turn(("share", share.pk)), limited(conf().render_seconds):
            messages = share.part(first, most)
            if wants_json(request):
                told = {"title": share.title, "messages": messages, "created_at": share.created_at}
                return told_as(JsonResponse(told | {"next": following}))
            context = {
                "share": share,
                "messages": [drawn(each) for each in messages],
                "following": following,
                "earlier": max(0, first - most) if first else None,
            }
        return told_as(render(request, "streams/shared.html", context))


def told_as(response: HttpResponse) -> HttpResponse:
    for name, value in HEADERS.items():
        response[name] = value
    return response


def drawn(message: dict[str, Any]) -> dict[str, Any]:
    more = {"at": datetime.fromisoformat(message["at"])}
    if message["role"] == "user":
        return message | more
    return (
        message
        | more
        | {
            "html": markdown.render(message["text"]),
            "model": words_of(message["model"]) if "model" in message else "",
        }
    )
