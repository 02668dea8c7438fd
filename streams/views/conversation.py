"""`/c/<uuid>/`: one conversation, its page, its settings and its end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext

from streams import policy
from streams.conf import conf
from streams.conversation_list_query import name_of
from streams.conversation_snapshot import snapshot
from streams.exceptions import NotFound, StreamsError
from streams.markdown.render_budget import give_connections_back, limited, turn
from streams.models import Conversation, DeviceSession
from streams.partial_conversation_snapshot import partial_snapshot
from streams.providers.model_names import words_of

from . import prompt_files, serializers
from .chat_context import chat_context
from .conversation_fields import KINDS, archived, checked_values, pinned
from .conversation_list import beside
from .errors import patient
from .negotiation import wants_json
from .pages import render
from .parsing import checked, fields
from .resource import Request, Resource, see_other


class ConversationView(Resource):
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        conversation = own(request, uuid)
        if not wants_json(request):
            return page(request, conversation)
        with turn(request.user.pk):
            return JsonResponse(as_json(request, conversation))

    def patch(self, request: Request, uuid: UUID) -> HttpResponse:
        conversation = own(request, uuid)
        values = checked_values(fields(request, archived=bool, pinned=bool, **KINDS))
        if values.get("model", conversation.model) != conversation.model:
            policy.check_model(request.user, values["model"])
        values = pinned(conversation, archived(conversation, values))
        changed = conversation.change(request.device, **values)
        if not wants_json(request):
            if "model" in values:  # a rename is seen, and so is what is archived
                messages.success(request, gettext("Saved."), fail_silently=True)
            return see_other(serializers.place(changed))
        return JsonResponse(serializers.conversation(changed))

    def delete(self, request: Request, uuid: UUID) -> HttpResponse:
        """Hides the conversation at once; `/c/` offers to restore it for a while before it is
        purged.
        """
        own(request, uuid).delete_softly(request.device)
        if not wants_json(request):
            return see_other(f"{reverse('streams:conversations')}?deleted={uuid}")
        return HttpResponse(status=204)


class Restore(Resource):
    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        """Restores a deleted conversation. One that is there already is no error, since another
        device may have been quicker.
        """
        fields(request)
        deleted = Conversation.objects.restorable(request.user.pk).filter(uuid=uuid).first()
        conversation = deleted.restore() if deleted else own(request, uuid)
        if not wants_json(request):
            return see_other(serializers.place(conversation))
        return JsonResponse(serializers.conversation(conversation))


def as_json(request: Request, conversation: Conversation) -> dict[str, Any]:
    """Returns all of it; with `?before_seq=` or `?limit=` the messages asked for, their runs, where
    they begin, and whether later ones are left out. Raises Invalid."""
    before, limit = number_of(request, "before_seq"), number_of(request, "limit")
    if before is None and limit is None:
        taken = snapshot(conversation.pk)
        return serializers.conversation(taken.conversation) | taken.transcript.as_dict()
    most = limit or conf().page_messages
    branch = request.GET.get("branch")
    part = partial_snapshot(conversation.pk, most, before, branch, farthest=2 * most)
    known = part.transcript.as_dict()
    shown = {message["run"] for message in known["messages"]}
    runs = [run for run in known["runs"] if run["id"] in shown]
    whole = serializers.conversation(part.conversation)
    return whole | known | {"runs": runs, "begins": part.begins, "ends": part.ends}


def number_of(request: HttpRequest, name: str) -> int | None:
    """Raises Invalid."""
    return checked(name, request.GET[name], int) if name in request.GET else None


def own(request: Request, uuid: UUID) -> Conversation:
    """Returns a conversation of the asking person; anyone else's raises NotFound."""
    found = Conversation.objects.owned_by(request.user).filter(uuid=uuid).first()
    if found is None:
        raise NotFound(gettext("This conversation isn't here, or isn't yours."))
    return found


def page(
    request: Request,
    conversation: Conversation,
    given: dict[str, Any] | None = None,
    error: StreamsError | None = None,
) -> HttpResponse:
    """Renders everything up to this moment; a refused prompt is back in the composer."""
    with turn(request.user.pk), limited(conf().render_seconds):
        return page_now(request, conversation, given, error)


def page_now(
    request: Request,
    conversation: Conversation,
    given: dict[str, Any] | None,
    error: StreamsError | None,
) -> HttpResponse:
    """Its connection is given back once everything is read."""
    before, branch = number_of(request, "before_seq"), request.GET.get("branch")
    most = conf().page_messages
    taken = partial_snapshot(conversation.pk, most, before, branch, farthest=2 * most)
    DeviceSession.visit(request.device, conversation, taken.transcript.head)
    left = beside(request, conversation)
    give_connections_back()
    shown = chat_context(taken, request.device)
    context = {
        **shown,
        "name": name_of(taken.conversation.title, shown["opening"]),
        "models": offered(request, taken.conversation.model),
        "given": given or {},
        "waiting_files": prompt_files.waiting(request.user, given or {}),
        "error": error,
        "since": None if "since" in request.GET else "1",
        **left,
    }
    status = error.status if error else 200
    return patient(render(request, "streams/conversation.html", context, status=status), error)


def offered(request: Request, *current: str) -> list[tuple[str, str]]:
    """Returns the menu of models with their words, always with the conversation's own in it."""
    names = dict.fromkeys([*policy.policy().models_for(request.user), *current])
    return [(name, words_of(name)) for name in names]
