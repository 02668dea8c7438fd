"""`/c/`: the person's conversations, and new ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, JsonResponse

from streams import policy, quotas
from streams.conversation_list_query import ListedConversation
from streams.exceptions import StreamsError
from streams.models import Conversation, branching, new_conversation
from streams.models.branching import Imported
from streams.models.conversation import named
from streams.postgres import channels
from streams.postgres.database import atomic

from . import prompt_files, serializers
from .conversation import offered
from .conversation_fields import KINDS, checked_values, imported, short_enough
from .conversation_list import as_json, beside, shelf
from .errors import patient
from .negotiation import wants_json
from .pages import render
from .parsing import checked, fields
from .resource import Request, Resource, see_other

FIELDS: dict[str, type] = {"content": str, "client_key": str, "messages": list}
FIELDS |= {"attachments": list}
UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"


class Conversations(Resource):
    takes_prompts = True  # see `streams.starts`
    takes_files = "form"  # see `streams.http.uploads`

    def get(self, request: Request) -> HttpResponse:
        wanted = checked("archived", request.GET.get("archived", ""), bool)
        if not wants_json(request):
            return put_away(request) if wanted else page(request)
        items, following = shelf(request.user, request.GET.get("before"), wanted)
        return JsonResponse({"conversations": [*map(as_json, items)], "next": following})

    def post(self, request: Request) -> HttpResponse:
        given: dict[str, Any] = {}
        try:
            given = fields(request, **FIELDS, **KINDS)
            conversation, more, new = created(request, given)
        except StreamsError as error:
            if wants_json(request):
                raise
            return page(request, given, error)
        if not wants_json(request):
            return see_other(serializers.place(conversation))
        return shown(conversation, more, new)


def created(
    request: Request, given: dict[str, Any]
) -> tuple[Conversation, Mapping[str, Any], bool]:
    """Creates a conversation and, with `content`, its first message and run; the flag marks a
    request that was sent before.
    """
    before = imported(given.get("messages", []))
    key = given.get("client_key")
    files = prompt_files.attached(request, given, named(request.user, key) if key else None)
    if files:
        given.setdefault("content", "")
    values, key = wanted(request.user, given)
    prompt_files.check_taken(request.user, values["model"], files)
    if "content" not in given:
        return empty(request, values, before), {}, True
    conversation, message, run, new = new_conversation.begin_with(
        request.user, given["content"], request.device, key, before, files, **values
    )
    return conversation, serializers.posted(message, run), new


def wanted(user: Any, given: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Returns the new conversation's columns and the `client_key` of its first prompt, checked."""
    columns = {name: given[name] for name in KINDS if name in given}
    values = checked_values(columns)
    if "model" in columns:
        policy.check_model(user, columns["model"])
    else:
        values["model"] = policy.default_model(user)
    key = given.get("client_key") if "content" in given else None
    short_enough("client_key", key or "")
    return values, key


def shown(conversation: Conversation, more: Mapping[str, Any], new: bool) -> JsonResponse:
    answer = {**serializers.conversation(conversation), **more}
    place = serializers.place(conversation)
    return JsonResponse(answer, status=201 if new else 200, headers={"Location": place})


@atomic
def empty(request: Request, values: dict[str, Any], before: list[Imported]) -> Conversation:
    """Begins a conversation without a prompt, with the messages that came before."""
    if not before:
        quotas.check_empty(request.user.pk)
    conversation = Conversation.begin(request.user, **values)
    branching.take_in(conversation, before)
    channels.list_changed(request.user.pk)
    return conversation


def page(
    request: Request, given: dict[str, Any] | None = None, error: StreamsError | None = None
) -> HttpResponse:
    """Renders the list beside an empty composer; a refused form comes back as it was."""
    given = given or {}
    left = beside(request)
    models = offered(request)
    context = {
        "deleted": deleted(request),
        "models": models,
        "chosen": given.get("model") or last_used(left["items"], models) or models[0][0],
        "given": given,
        "waiting_files": prompt_files.waiting(request.user, given),
        "error": error,
        **left,
    }
    status = error.status if error else 200
    return patient(render(request, "streams/new_conversation.html", context, status=status), error)


def last_used(lines: list[ListedConversation], models: list[tuple[str, str]]) -> str:
    """Returns what the person's newest conversation is answered by, on whichever device, while it
    is still offered.
    """
    newest = max(lines, key=lambda line: line.updated_at, default=None)
    return newest.model if newest and newest.model in dict(models) else ""


def put_away(request: Request) -> HttpResponse:
    """Renders archived conversations, each with a way to restore it."""
    lines, following = shelf(request.user, request.GET.get("before"), archived=True)
    context = {
        "lines": lines,
        "older": following,
        "elsewhere": "archived",
        **beside(request, paged=False),
    }
    return render(request, "streams/archived.html", context)


def deleted(request: Request) -> Conversation | None:
    """Returns the conversation deleted last, while it can be restored."""
    given = request.GET.get("deleted", "")
    if not re.fullmatch(UUID, given):
        return None
    return Conversation.objects.restorable(request.user.pk).filter(uuid=given).first()
