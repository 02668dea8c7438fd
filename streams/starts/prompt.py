"""Reads a request that posts a prompt, by the rules of the views."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest

from streams import access
from streams.access import SignedIn
from streams.http import csrf
from streams.http.handler import Request
from streams.models import Conversation, posting
from streams.models.conversation import named
from streams.models.posting import checked
from streams.views import conversation_fields, conversations, messages
from streams.views.negotiation import JSON, wants_json
from streams.views.parsing import fields

from .storing import Draft

Scope = Mapping[str, Any]

# Bytes of a body that are waited for here; reading more would hold up the loop.
LONGEST = 65_536


class NotPlain(Exception):
    """There is something to decide, to refuse or to word: this is for Django's handler."""


class Owned(NamedTuple):
    """A conversation of the asking person."""

    id: int
    head: int
    model: str
    on_busy: str


def may_be_plain(scope: Scope) -> bool:
    """Tells, by its headers alone, whether a request may be a program's that sends JSON."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    return (
        headers.get(b"content-type", b"").startswith(JSON.encode())
        and b"authorization" not in headers
        and not scope.get("query_string")
        and length.isdigit()
        and len(length) < 6
        and 0 < int(length) <= LONGEST
    )


def read(scope: Scope, body: bytes) -> tuple[HttpRequest, dict[str, str]]:
    """Returns the request as Django has it, and the parameters of `access.who`. Raises NotPlain."""
    request = Request(scope, BytesIO(body))
    keys = access.keys(request.COOKIES)
    if keys is None or request.content_type != JSON or not wants_json(request):
        raise NotPlain
    return request, keys


def check(request: HttpRequest, found: SignedIn) -> None:
    """Raises NotPlain, or Forbidden as the views do."""
    request.session = found.session  # type: ignore[assignment]
    csrf.check(request)
    if not is_signed(request, found) or request.META.get("CSRF_COOKIE_NEEDS_UPDATE"):
        raise NotPlain  # a cookie is to be set
    if settings.SESSION_SAVE_EVERY_REQUEST:
        raise NotPlain


def is_signed(request: HttpRequest, found: SignedIn) -> bool:
    """Tells whether the device's cookie has its present name and the present SECRET_KEY's
    signature; `access.keys` has checked one of any."""
    cookie = {access.DEVICE_COOKIE: request.COOKIES.get(access.DEVICE_COOKIE, "")}
    if not settings.SECRET_KEY_FALLBACKS:
        return bool(cookie[access.DEVICE_COOKIE])
    return access.device_key(cookie, []) == found.device.key


def in_new(request: HttpRequest, found: SignedIn) -> Draft:
    """Raises NotPlain, or what the view raises."""
    user: Any = found.user
    given = fields(request, content=str, client_key=str, **conversation_fields.KINDS)
    values, key = conversations.wanted(user, given)
    if "content" not in given:
        raise NotPlain
    name = named(user, key) if key else uuid.uuid4()
    here = Conversation(uuid=name, owner=user, **values)
    return drafted(here, given["content"], key, found, new=True)


def in_owned(request: HttpRequest, found: SignedIn, where: str) -> Draft:
    """Raises NotPlain, or what the view raises."""
    owned = Owned(*found.more[:4])
    if owned.id is None or owned.on_busy != Conversation.OnBusy.QUEUE:
        raise NotPlain
    content, key = messages.wanted(fields(request, content=str, client_key=str))
    here = Conversation(
        pk=owned.id, uuid=uuid.UUID(where), owner=found.user, model=owned.model,  # type: ignore[misc]
        last_seq=owned.head,
    )  # fmt: skip
    return drafted(here, content, key, found, new=False)


def drafted(here: Conversation, content: str, key: str | None, found: SignedIn, new: bool) -> Draft:
    return Draft(
        found.device, here, *posting.drafted(here, checked(content), found.device, key), new
    )
