"""Answers plain requests that post prompts, many at a time, on two connections: one finds out who
asks, the other stores what they say.
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.asgi import get_script_prefix
from django.http import HttpRequest, HttpResponse
from django.urls import set_script_prefix
from django.utils.translation import gettext

from streams import sessions
from streams.conf import conf
from streams.exceptions import StreamsError, Unavailable
from streams.postgres import database, error_diagnosis
from streams.postgres.connections import PREPARED, is_behind_pooler
from streams.postgres.grouped_statement import GroupedStatement, InDoubt
from streams.realtime.endpoints import refuse
from streams.views import conversations, messages, serializers
from streams.views.endpoint import uncached

from . import prompt, site_middleware
from .asgi_messages import Receive, body_of, replay, say
from .prompt import NotPlain, Scope
from .prompt_authentication import Asked, recognise
from .storing import Draft, store

logger = logging.getLogger(__name__)

MOST = 64  # prompts in one statement

# A row that somebody else's transaction holds for long is for Django's handler to wait for.
SETTINGS = {"lock_timeout": "500", "enable_seqscan": "off", "enable_mergejoin": "off", **PREPARED}

# What is wrong with a request is for Django's handler to say.
FOR_DJANGO = (NotPlain, StreamsError, SuspiciousOperation, BadRequest, psycopg.Error)


def may_be_taken() -> bool:
    """Tells whether prompts may be stored here, in a site with these settings."""
    return (
        conf().direct_prompts
        and not conf().policy
        and not is_behind_pooler()
        and sessions.table(database.alias()) is not None
        and site_middleware.is_known()
    )


class Starts:
    """Stores prompts until it is closed; `answered` counts them."""

    def __init__(self) -> None:
        self.answered = 0
        self._passage = site_middleware.passage()
        self._who = GroupedStatement("asking", recognise, most=MOST, settings=SETTINGS)
        self._stored = GroupedStatement(
            "starts", store, most=MOST, keys=Draft.keys, settings=SETTINGS
        )

    async def close(self) -> None:
        await self._who.close()
        await self._stored.close()

    async def answer(
        self, uuid: str | None, scope: Scope, receive: Receive, send: Any
    ) -> Receive | None:
        """Answers a prompt for the conversation `uuid`, or for a new one. Otherwise returns how
        Django's handler receives the request from its beginning."""
        heard: list[Any] = []
        body = await body_of(receive, heard, prompt.LONGEST)
        known = body and await self._drafted(uuid, scope, body)
        if not known:
            return replay(heard, receive)
        draft, response = known
        try:
            stored = await self._stored.ask(draft)
        except InDoubt as error:
            await refuse(send, Unavailable(gettext(error_diagnosis.of(error).told)))
            return None
        except psycopg.Error:
            stored = False
        if not stored:
            return replay(heard, receive)
        self.answered += 1
        await say(send, filled(response, shown(draft)))
        return None

    async def _drafted(
        self, uuid: str | None, scope: Scope, body: bytes
    ) -> tuple[Draft, HttpResponse] | None:
        """Returns what is to be stored, and the response without its words; None for Django."""
        try:
            set_script_prefix(get_script_prefix(scope))
            request, keys = prompt.read(scope, body)
            found = await self._who.ask(Asked(keys, uuid))
            if found is None:
                return None
            prompt.check(request, found)
            response = self._passed(request)
            draft = prompt.in_owned(request, found, uuid) if uuid else prompt.in_new(request, found)
        except FOR_DJANGO:
            return None
        except Exception:
            logger.exception("a prompt is left to Django")
            return None
        return draft, response

    def _passed(self, request: HttpRequest) -> HttpResponse:
        """Passes a response without words through the site's middleware. Raises NotPlain where one
        of them refuses or redirects."""
        prepared = HttpResponse(status=201, content_type="application/json")
        response = self._passage(request, uncached(prepared))
        if response is not prepared or response.status_code != 201 or response.cookies:
            raise NotPlain
        return response


def shown(draft: Draft) -> HttpResponse:
    if draft.new:
        more = serializers.posted(draft.prompt, draft.run)
        return conversations.shown(draft.here, more, new=True)
    return messages.shown(draft.prompt, draft.run, created=True)


def filled(response: HttpResponse, words: HttpResponse) -> HttpResponse:
    """Puts the content of a view's response into a response that has passed the middleware."""
    response.content = words.content
    for name, text in words.items():
        response[name] = text
    if response.has_header("Content-Length"):
        response["Content-Length"] = str(len(words.content))
    return response
