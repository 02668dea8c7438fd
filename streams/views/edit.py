"""`/c/<uuid>/messages/<uuid>/edit`: asks a prompt again, edited or by another model."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext

from streams import policy
from streams.exceptions import NotFound, StreamsError
from streams.models import Message, Run
from streams.models.editing import ask_again

from . import messages, prompt_files, serializers
from .conversation import offered, own
from .conversation_fields import checked_values
from .negotiation import wants_json
from .pages import render
from .parsing import fields, is_form
from .resource import Request, Resource, see_other


class Edit(Resource):
    takes_files = "form"  # see `streams.http.uploads`

    def get(self, request: Request, uuid: UUID, message: UUID) -> HttpResponse:
        """Answers the form as a page, for browsers without JavaScript."""
        return form(request, prompt_of(request, uuid, message), {})

    def post(self, request: Request, uuid: UUID, message: UUID) -> HttpResponse:
        """Returns the message and the run that will answer it: of another text it is a new one."""
        prompt = prompt_of(request, uuid, message)
        given: dict[str, Any] = {}
        try:
            given = fields(request, content=str, client_key=str, model=str, attachments=list)
            if is_form(request) and "attachments" in given:
                given["attachments"] = [*filter(None, given["attachments"])]
            asked, run, created = asked_again(request, prompt, given)
        except StreamsError as error:
            if wants_json(request):
                raise
            return form(request, prompt, given, error)
        if not wants_json(request):
            place = serializers.place(prompt.conversation)
            return see_other(f"{place}?branch={run.answer.uuid}#streams-newest")
        answer = serializers.posted(asked, run) | {"answer": str(run.answer.uuid)}
        return JsonResponse(answer, status=201 if created else 200)


def prompt_of(request: Request, uuid: UUID, message: UUID) -> Message:
    """Raises NotFound."""
    here = own(request, uuid)
    found = here.messages.filter(uuid=message, role=Message.Role.USER).first()
    if found is None:
        raise NotFound(gettext("This message isn't here."))
    found.conversation = here
    return found


def asked_again(
    request: Request, prompt: Message, given: dict[str, Any]
) -> tuple[Message, Run, bool]:
    model = given.get("model") or None
    if model and model != prompt.conversation.model:
        checked_values({"model": model})
        policy.check_model(request.user, model)
    named = files_named(request, prompt, given)
    content, key = messages.wanted({"content": prompt.text, **given})
    files = prompt_files.files_of(prompt) if named is None else named
    prompt_files.check_taken(request.user, model or prompt.conversation.model, files)
    return ask_again(prompt, content, request.device, key, model, named)


def files_named(request: Request, prompt: Message, given: dict[str, Any]) -> list[UUID] | None:
    """Returns the files that are to go with it, None for those it was sent with. A form names those
    that stay, and brings new ones.
    """
    if "attachments" not in given and not request.FILES:
        return None
    return prompt_files.attached(request, given, prompt.conversation.uuid)


def form(
    request: Request, prompt: Message, given: dict[str, Any], error: StreamsError | None = None
) -> HttpResponse:
    here = prompt.conversation
    had = {"attachments": [str(each) for each in prompt_files.files_of(prompt)]}
    context = {
        "conversation": here,
        "prompt": prompt,
        "models": offered(request, here.model),
        "content": given.get("content", prompt.text),
        "files": prompt_files.waiting(request.user, had | given),
        "chosen": given.get("model") or here.model,
        "error": error,
    }
    return render(request, "streams/edit.html", context, status=error.status if error else 200)
