"""`/c/<uuid>/shares`, `/shares/`: links that show a copy of a conversation without signing in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext

from streams.conversation_list_query import name_of
from streams.conversation_snapshot import Snapshot, snapshot
from streams.exceptions import Invalid, NotFound
from streams.log import file_references
from streams.log.transcript_types import OPEN, MessageState
from streams.models import Share
from streams.models.share import check_sharing

from .conversation import own as own_conversation
from .conversation_list import beside
from .markdown_export import text_of
from .negotiation import wants_json
from .pages import render
from .parsing import fields
from .resource import Request, Resource, see_other
from .schemas import shares as share_schemas

MOST = 500  # of one person's links on their page


class Shares(Resource):
    """The links to one conversation."""

    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        conversation = own_conversation(request, uuid)
        lines = shapes(request, conversation.shares.counted())
        if wants_json(request):
            return JsonResponse({"shares": lines})
        branch = request.GET.get("branch", "")
        context = {"conversation": conversation, "branch": branch, "shares": lines}
        context |= beside(request, conversation, paged=False)
        return render(request, "streams/shares.html", context)

    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        """Shares what has been said so far, of the newest branch or of the one that holds message
        `branch`.
        """
        conversation = own_conversation(request, uuid)
        given = fields(request, branch=str)
        check_sharing()
        taken = snapshot(conversation.pk)
        branch = taken.transcript.branch(given.get("branch") or None)
        if not (messages := list(copied(taken, branch))):
            raise Invalid(gettext("There is nothing to share yet: no answer has ended."))
        title = name_of(taken.conversation.title, messages[0]["text"])
        made = Share.make(conversation, title, messages)
        if not wants_json(request):
            return see_other(reverse("streams:shares", args=[uuid]))
        return JsonResponse(shape(request, made, len(messages)), status=201)


class AllShares(Resource):
    """The links to all conversations of the person."""

    def get(self, request: Request) -> HttpResponse:
        lines = shapes(request, own(request)[:MOST])
        if wants_json(request):
            return JsonResponse({"shares": lines})
        context = {"elsewhere": "shares", "shares": lines, **beside(request, paged=False)}
        return render(request, "streams/shares.html", context)


class ShareView(Resource):
    def delete(self, request: Request, uuid: UUID) -> HttpResponse:
        """Takes a link back, at once; one that is gone already is no error."""
        known = own(request).filter(uuid=uuid).first()
        if known is None:
            raise NotFound(gettext("This link isn't here any more."))
        known.delete()
        if not wants_json(request):
            return see_other(reverse("streams:shares", args=[known.conversation.uuid]))
        return HttpResponse(status=204)


def own(request: Request) -> Any:
    theirs = {"conversation__owner": request.user, "conversation__deleted_at": None}
    return Share.objects.counted().filter(**theirs).select_related("conversation")


def shapes(request: HttpRequest, shares: Any) -> list[share_schemas.Share]:
    return [shape(request, each, each.length) for each in shares]


def shape(request: HttpRequest, share: Share, length: int) -> share_schemas.Share:
    return {
        "id": str(share.uuid),
        "conversation": str(share.conversation.uuid),
        "title": share.title,
        "link": request.build_absolute_uri(reverse("streams:shared", args=[share.token])),
        "messages": length,
        "created_at": share.created_at,
    }


def copied(taken: Snapshot, branch: Sequence[MessageState]) -> Iterator[dict[str, Any]]:
    """Returns prompts and the newest ended answer to each, without thoughts and tools, up to the
    last answer."""
    runs = taken.transcript.runs
    kept = [each for each in branch if each.run is None or runs[each.run].status not in OPEN]
    newest = {runs[each.run].prompt: each.id for each in kept if each.run}
    kept = [each for each in kept if each.run is None or newest[runs[each.run].prompt] == each.id]
    while kept and kept[-1].role == "user":
        kept.pop()
    for message in kept:
        told: dict[str, Any] = {
            "role": message.role,
            "text": text_of(message.blocks),
            "at": taken.times[message.id].isoformat(),
        }
        if message.run:
            told["model"] = runs[message.run].model
        if files := file_references.ids_of(message.blocks):
            told["files"] = len(files)
        yield told
