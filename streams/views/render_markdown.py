"""`/render`: renders Markdown while an answer streams, so that no browser needs a parser."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse

from streams import markdown
from streams.conf import conf
from streams.exceptions import Invalid, TooLarge
from streams.markdown.render_budget import limited, turn

from .parsing import fields
from .resource import Request, Resource
from .transcript_presenter import utf16_length

LONGEST_GROWING = 100_000  # what is still to come is asked for many times


class Formatted(Resource):
    reads_only = True

    def post(self, request: Request) -> HttpResponse:
        """Renders a growing text. `closed` is final and covers the first `length` UTF-16 units.
        `open` covers the text up to `seen` for now; it covers all of it, exactly, once the text has
        `ended`.
        """
        given = fields(request, text=str, ended=bool)
        if "text" not in given:
            raise Invalid("text must be text.", field="text")
        ended = bool(given.get("ended"))
        longest = conf().answer_characters if ended else LONGEST_GROWING
        if len(given["text"]) > longest:
            raise TooLarge(f"text takes at most {longest} characters.", field="text")
        with turn(request.user.pk), limited(conf().render_seconds):
            return JsonResponse(formatted(given["text"], ended=ended))


def formatted(text: str, *, ended: bool) -> dict[str, Any]:
    parts = markdown.split(text)
    growing = last_of(parts.open, ended=ended)
    closed = "".join(parts.closed)
    return {
        "closed": "".join(map(markdown.render_block, parts.closed)),
        "length": utf16_length(closed),
        "open": growing.html,
        "seen": utf16_length(closed + growing.shown),
        "fenced": growing.fenced,
    }


def last_of(text: str, *, ended: bool) -> markdown.Growing:
    if ended:
        return markdown.Growing(markdown.render_block(text), text)
    return markdown.render_open(text)
