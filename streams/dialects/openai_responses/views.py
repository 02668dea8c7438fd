"""`/v1/responses` and `/v1/models`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse

from streams import policy
from streams.dialects import openai_calls as calls
from streams.dialects.files import addresses
from streams.dialects.openai_endpoint import OpenAIView, listed, newest_first
from streams.dialects.runs import with_all
from streams.exceptions import Invalid, NotFound, Unavailable
from streams.models import Run
from streams.realtime.cursor import LAST_SEQ
from streams.views.resource import Request

from . import starting
from .encoder import Encoder, WholeEncoder
from .input_items import input_items
from .request import asked


class ResponsesView(OpenAIView):
    def stream(self, request: Request, run: Run, since: int, after: int = -1) -> HttpResponse:
        extent = starting.extent_of(run, since)
        return self.follow(request, run, Encoder(starting.response_of(run, since), after, extent))

    def whole(self, request: Request, run: Run, since: int) -> HttpResponse:
        """Answers once the response has ended."""
        extent = starting.extent_of(run, since)
        encoder = WholeEncoder(starting.response_of(run, since), extent=extent)
        return self.follow(request, run, encoder, streams=False)


class Responses(ResponsesView):
    takes_files = "data"

    def post(self, request: Request) -> HttpResponse:
        wanted = asked(self.sent(request))
        key = request.headers.get("Idempotency-Key")
        begun, since = starting.begin(request.user, request.device, wanted, key)
        run = with_all(begun)
        if wanted.stream:
            return self.stream(request, run, since)
        if wanted.background:
            return JsonResponse(starting.as_it_stands(run, since))
        return self.whole(request, run, since)


class OneResponse(ResponsesView):
    def get(self, request: Request, id: str) -> HttpResponse:
        run, since = starting.own(request.user, id)
        if request.GET.get("stream", "").lower() == "true":
            return self.stream(request, run, since, cursor(request))
        return JsonResponse(starting.as_it_stands(run, since))

    def delete(self, request: Request, id: str) -> HttpResponse:
        starting.hide(*starting.own(request.user, id), request.device)
        return JsonResponse({"id": id, "object": "response", "deleted": True})


class CancelResponse(ResponsesView):
    def post(self, request: Request, id: str) -> HttpResponse:
        """Answers once the run has ended, which a stop does within moments: then it says how."""
        run, since = starting.own(request.user, id)
        starting.stop(run, since, request.device)
        try:
            return self.whole(request, with_all(run), since)
        except Unavailable:
            return JsonResponse(starting.as_it_stands(run, since))


class InputItems(OpenAIView):
    def get(self, request: Request, id: str) -> HttpResponse:
        run, since = starting.own(request.user, id)
        if since:
            items = calls.posted(run, since)
            return JsonResponse(
                listed(reversed(items) if newest_first(request.GET) else items, request.GET)
            )
        before = run.conversation.messages.filter(seq__lte=run.prompt.seq).order_by("-seq")
        said = [*before[: (run.asked or {}).get("before", 0) + 1]]
        address = addresses(request)
        newest = newest_first(request.GET)
        ordered = said if newest else reversed(said)
        sent = [input_items(m.uuid, m.role, m.blocks, address) for m in ordered]
        items = [item for each in sent for item in (reversed(each) if newest else each)]
        return JsonResponse(listed(items, request.GET))


class Models(OpenAIView):
    def get(self, request: Request) -> HttpResponse:
        names = policy.policy().models_for(request.user)
        return JsonResponse({"object": "list", "data": [*map(model, names)]})


class OneModel(OpenAIView):
    def get(self, request: Request, name: str) -> HttpResponse:
        if name not in policy.policy().models_for(request.user):
            raise NotFound(f"There is no model {name[:120]!r} for you here.", field="model")
        return JsonResponse(model(name))


def cursor(request: Request) -> int:
    """Returns the number of the last event the client has seen; -1 before the first."""
    given = request.GET.get("starting_after")
    if given is None:
        return -1
    if not (given.isascii() and given.isdecimal() and int(given[:20]) <= LAST_SEQ):
        raise Invalid("starting_after is the number of an event.", field="starting_after")
    return int(given)


def model(name: str) -> dict[str, Any]:
    owner = name.partition(":")[0]
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
