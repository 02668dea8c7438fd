"""Handles each Django request in one thread, from the first middleware to the view."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator, Mapping
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.exceptions import BadRequest
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import connections
from django.http import (
    HttpRequest,
    HttpResponseBadRequest,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property

from . import cookie_parser
from .script_prefix import placed

# In which forms and addresses are read. Python knows a hundred, and one of them, punycode, takes
# the square of a text's length: 4 s for what a stranger may send.
CHARSETS = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252"})


class Request(ASGIRequest):
    """Django's, whose cookies cost no more than their length on any Python, and whose form, once
    found unreadable, is an empty one: the page that says so looks into it again."""

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]
        return cookie_parser.parse(self.META.get("HTTP_COOKIE", ""))

    def _load_post_and_files(self) -> None:
        try:
            super()._load_post_and_files()
        except Exception:
            self._mark_post_parse_error()  # type: ignore[attr-defined]
            raise


# What Django raises for headers that it cannot read; 6.1 the first.
UNREADABLE = (BadRequest, ValueError, LookupError)


def check_charset(request: ASGIRequest) -> None:
    """Raises ValueError or LookupError if it says to be read in a way that we do not read."""
    if request.encoding and codecs.lookup(request.encoding).name not in CHARSETS:
        raise ValueError(request.encoding)


class OneThreadHandler(ASGIHandler):
    """Everything of ours behind it is synchronous, but Django's own handler goes back to the
    event loop and into the thread again between middleware and view: two more changes of
    thread a request, each of which waits for a busy loop.
    """

    request_class = Request

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        """Django's, but for a header that says how to read itself and cannot be read so."""
        try:
            made = super().create_request(scope, body_file)
            if made[0]:
                check_charset(made[0])
        except UNREADABLE:
            return None, HttpResponseBadRequest("The Content-Type cannot be read.")
        return made

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Django's, below whatever path the proxy and the server say, and however they say it."""
        here = placed(scope)[0] if scope["type"] == "http" else scope
        await super().__call__(here, receive, send)

    async def handle(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Django's, which forgets the thread's connections where the response breaks: out of the
        pool, and back in it never."""
        try:
            await super().handle(scope, receive, send)
        except BaseException:
            await sync_to_async(connections.close_all)()
            raise

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.answer)(request)

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = self.get_response(request)
        if isinstance(response, StreamingHttpResponse):
            content = response.streaming_content
            if not isinstance(content, AsyncIterator):
                # A static file. Django would read it whole too, in another thread, and complain.
                response.streaming_content = pieces(list(content))
        return response


async def pieces(read: list[bytes]) -> AsyncIterator[bytes]:
    for piece in read:
        yield piece
