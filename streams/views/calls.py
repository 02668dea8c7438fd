"""`/runs/<uuid>/calls/<uuid>/`: decides about a tool's call, and runs one again."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext

from streams.exceptions import Invalid, NotFound
from streams.models import ToolCall
from streams.models.call_rerun import run_again

from . import serializers
from .negotiation import wants_json
from .parsing import fields
from .resource import Request, Resource, see_other


class Decision(Resource):
    def post(self, request: Request, uuid: UUID, call: UUID) -> HttpResponse:
        """Decides, and returns the call. The same decision once more is no error; a later one is
        409.
        """
        found = own(request, uuid, call)
        given = fields(request, decision=str, note=str, result=str)
        decision = given.get("decision", "")
        if decision not in ToolCall.Decision.values:
            known = ", ".join(ToolCall.Decision.values)
            raise Invalid(f"decision is one of {known}.", field="decision")
        note, result = given.get("note", ""), given.get("result", "")
        decided = found.decide(decision, request.device, note=note, result=result)
        return result_of(request, decided)


class Again(Resource):
    def post(self, request: Request, uuid: UUID, call: UUID) -> HttpResponse:
        """Runs a call again of which nobody knows whether it was done; returns the new run."""
        found = own(request, uuid, call)
        fields(request)
        again = run_again(found, request.device)
        if not wants_json(request):
            return see_other(f"{serializers.place(again.conversation)}#streams-newest")
        posted = serializers.posted(again.prompt, again)
        return JsonResponse(posted, status=201)


def own(request: Request, run: UUID, call: UUID) -> ToolCall:
    """Returns a call of the asking person's; anyone else's raises NotFound."""
    known = ToolCall.objects.owned_by(request.user).select_related("run__conversation")
    found = known.filter(uuid=call, run__uuid=run).first()
    if found is None:
        raise NotFound(gettext("This call isn't here, or isn't yours."))
    return found


def result_of(request: Request, call: ToolCall) -> HttpResponse:
    if not wants_json(request):
        return see_other(f"{serializers.place(call.run.conversation)}#streams-newest")
    return JsonResponse(serializers.call(call))
