"""`/c/<uuid>/messages`: posts prompts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext

from streams.exceptions import Invalid, StreamsError
from streams.models import Conversation, Message, Run

from . import prompt_files, serializers
from .conversation import own, page
from .conversation_fields import short_enough
from .negotiation import wants_json
from .parsing import fields
from .resource import Request, Resource, see_other

FIELDS: dict[str, type] = {"content": str, "client_key": str, "parent": str, "branch": str}
FIELDS |= {"attachments": list}


class Messages(Resource):
    takes_prompts = True  # see `streams.starts`
    takes_files = "form"  # see `streams.http.uploads`

    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        conversation = own(request, uuid)
        given: dict[str, Any] = {}
        try:
            given = fields(request, **FIELDS)
            message, run, created = posted(request, conversation, given)
        except StreamsError as error:
            if wants_json(request):
                raise
            return page(request, conversation, given, error)
        if not wants_json(request):
            return see_other(serializers.place_in(conversation, message))
        return shown(message, run, created)


def posted(
    request: Request, conversation: Conversation, given: dict[str, Any]
) -> tuple[Message, Run, bool]:
    files = prompt_files.attached(request, given, conversation.uuid)
    content, key = wanted(given)
    prompt_files.check_taken(request.user, conversation.model, files)
    parent, branch = given.get("parent"), given.get("branch")
    return conversation.post(content, request.device, key, parent, branch=branch, attachments=files)


def wanted(given: dict[str, Any]) -> tuple[str, str | None]:
    """Returns a prompt's text and its `client_key`, checked; with files there may be no text."""
    if given.get("attachments"):
        given.setdefault("content", "")
    if "content" not in given:
        raise Invalid(gettext("Write something first."), field="content")
    key = given.get("client_key")
    short_enough("client_key", key or "")
    return given["content"], key


def shown(message: Message, run: Run, created: bool) -> JsonResponse:
    return JsonResponse(serializers.posted(message, run), status=201 if created else 200)
