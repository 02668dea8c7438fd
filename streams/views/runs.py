"""`/runs/<uuid>/`: shows, cancels and retries one answer's run."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext

from streams import policy
from streams.exceptions import NotFound
from streams.models import Run

from . import prompt_files, serializers
from .conversation_fields import checked_values
from .negotiation import wants_json
from .pages import render
from .parsing import fields
from .resource import Request, Resource, see_other

LONGEST = 1000  # characters of a prompt that was taken back, in a message on the next page


class RunView(Resource):
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        run = own(request, uuid)
        if wants_json(request):
            return JsonResponse(serializers.run(run))
        return render(
            request,
            "streams/run.html",
            {
                "run": run,
                "failure": run.error_message and gettext(run.error_message),
                "back": serializers.place(run.conversation),
            },
        )


class Cancel(Resource):
    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        """Returns 202 while the run is being stopped; a run that has ended is no error."""
        run = own(request, uuid)
        fields(request)
        run.cancel(request.device)
        if not wants_json(request):
            give_back(request, uuid)
        return result(request, uuid, stopping=202)


class Retry(Resource):
    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        run = own(request, uuid)
        given = fields(request, model=str)
        if "model" in given:
            policy.check_model(request.user, checked_values(given)["model"])
        model = given.get("model") or run.conversation.model
        prompt_files.check_taken(request.user, model, prompt_files.files_of(run.prompt))
        again = run.retry(request.device, given.get("model"))
        return result(request, again.uuid, status=201)


def own(request: Request, uuid: UUID) -> Run:
    """Returns a run of the asking person; anyone else's raises NotFound."""
    known = Run.objects.owned_by(request.user).with_ahead().with_attendance()
    run = known.select_related("conversation", "prompt", "answer", "into").filter(uuid=uuid).first()
    if run is None:
        raise NotFound(gettext("This answer isn't here, or isn't yours."))
    return run


def give_back(request: Request, uuid: UUID) -> None:
    """Says what a prompt was that has left the page before its answer began: by scripts it comes
    back to where it was written.
    """
    run = own(request, uuid)
    if run.removed:
        words = gettext("Taken back: %(text)s") % {"text": shortened(run.prompt.text)}
        messages.success(request, words, fail_silently=True)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def result(request: Request, uuid: UUID, status: int = 200, stopping: int = 0) -> HttpResponse:
    run = own(request, uuid)
    if not wants_json(request):
        return see_other(serializers.place_in(run.conversation, run.answer))
    if stopping and run.status in Run.OPEN:
        status = stopping
    return JsonResponse(serializers.run(run), status=status)
