"""`/c/<uuid>/actions`: what can be done to a conversation, as a page of its own for browsers
without JavaScript; and `/c/<uuid>/export`.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.utils.text import slugify

from streams.conversation_snapshot import Snapshot, snapshot
from streams.exceptions import Invalid
from streams.models import Conversation

from . import serializers
from .conversation import own
from .conversation_list import named, opening
from .markdown_export import markdown_of
from .pages import render
from .resource import Request, Resource


class Actions(Resource):
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        conversation = own(request, uuid)
        known = Conversation.objects.annotate(opening=opening()).get(pk=conversation.pk)
        context = {"conversation": conversation, "name": named(known)}
        return render(request, "streams/conversation_actions.html", context)


class Export(Resource):
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        """Returns the whole conversation as a file. Raises Invalid for a kind there is none of."""
        conversation = own(request, uuid)
        kind = request.GET.get("as", "json")
        if kind not in ("json", "markdown"):
            raise Invalid("as is one of json, markdown.", field="as")
        taken = snapshot(conversation.pk)
        response = as_markdown(taken) if kind == "markdown" else as_json(taken)
        response["Content-Disposition"] = f'attachment; filename="{file_name(conversation, kind)}"'
        return response


def as_json(taken: Snapshot) -> HttpResponse:
    whole = {**serializers.conversation(taken.conversation), **taken.transcript.as_dict()}
    times = {id: moment.isoformat() for id, moment in taken.times.items()}
    for message in whole["messages"]:
        message["created_at"] = times.get(message["id"])
    return JsonResponse(whole, json_dumps_params={"ensure_ascii": False, "indent": 1})


def as_markdown(taken: Snapshot) -> HttpResponse:
    return HttpResponse(markdown_of(taken), content_type="text/markdown; charset=utf-8")


def file_name(conversation: Conversation, kind: str) -> str:
    """Made of the title's letters that any file system takes."""
    name = slugify(conversation.title)[:60] or "conversation"
    return f"{name}.{'md' if kind == 'markdown' else 'json'}"
