"""`/ag-ui`: one address for AG-UI's HttpAgent and for TanStack AI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, JsonResponse

from streams.conversation_snapshot import snapshot
from streams.dialects import client_ids
from streams.dialects.endpoint import DialectView, body_with_files
from streams.dialects.files import Address, addresses
from streams.dialects.message_lists import ask, message_of
from streams.dialects.runs import active, decided_by, with_all
from streams.exceptions import Invalid, KeyReused, NotFound, StreamsError
from streams.log import branches
from streams.models import Conversation, Run, ToolCall
from streams.views.resource import Request

from . import run_ids
from .encoder import AGUIStream
from .frames import BEGINNING, START, Cursor, cursor_of
from .messages import posted, shown
from .posted_decisions import answers_in, go_on

NOT_HERE = "This run isn't here, or isn't yours."


class AGUIView(DialectView):
    @staticmethod
    def refusal(error: StreamsError) -> dict[str, Any]:
        told = {"code": error.code, "message": error.message}
        return {"error": told | ({"field": error.field} if error.field else {})}


class Agent(AGUIView):
    takes_files = "data"

    def post(self, request: Request) -> HttpResponse:
        """Begins a run. One of the same `runId` is followed, and with `Last-Event-ID`, by which a
        client goes on after a cut, none is ever begun."""
        given = body_with_files(request)
        thread, name = (client_ids.name_in(given.get(it), it) for it in ("threadId", "runId"))
        cursor = cursor_of(request.headers.get("Last-Event-ID"))
        known = run_ids.find(request.user, name)
        if known is None and (answers := answers_in(given)):
            known = run_ids.Named(*go_on(request.user, request.device, given, answers))
        run, after = known or (None, 0)
        if run and run.conversation != client_ids.conversation_of(request.user, thread):
            raise KeyReused("This runId was used in another thread.", field="runId")
        if run is None and cursor != BEGINNING:
            run = answer_in(request, given)
        if run is None:
            uuid = run_ids.free_uuid(request.user, name)
            run = with_all(ask(request.user, request.device, posted(given), uuid))
            run_ids.begun(request.user, run, thread, name)
        return self.stream(request, run, cursor, thread_id=thread, run_id=name, after=after)

    def get(self, request: Request) -> HttpResponse:
        """Joins the run `runId`, or tells what the thread `threadId` holds."""
        if "runId" not in request.GET:
            return loaded(request)
        name = client_ids.name_in(request.GET.get("runId"), "runId")
        known = run_ids.find(request.user, name)
        if known is None:
            raise NotFound(NOT_HERE)
        run, after = known
        cursor = cursor_of(request.headers.get("Last-Event-ID"))
        joined: dict[str, Any] = {
            "thread_id": run_ids.conversation_name(run),
            "run_id": name,
            "after": after,
        }
        if cursor <= START and not after:
            joined["earlier"] = before(run, addresses(request))
        return self.stream(request, run, cursor, **joined)

    def stream(self, request: Request, run: Run, cursor: Cursor, **known: Any) -> HttpResponse:
        encoder = AGUIStream(
            message_id=str(run.answer.uuid),
            cursor=cursor,
            decided=decided_by(run),
            answered=answered_in(run),
            **known,
        )
        return self.follow(request, run, encoder)


class Cancel(AGUIView):
    def post(self, request: Request, name: str) -> HttpResponse:
        """Stops a run, any number of times: 202 while it is being stopped, 200 once it is over."""
        known = run_ids.find(request.user, name)
        if known is None:
            raise NotFound(NOT_HERE)
        now = known.run.cancel(request.device)
        return JsonResponse(
            {"runId": name, "status": now.status}, status=202 if now.status in Run.OPEN else 200
        )


def answered_in(run: Run) -> frozenset[str]:
    """Returns the ids of the run's calls that do not wait."""
    if run.status != Run.Status.WAITING:
        return frozenset()
    over = run.calls.exclude(status=ToolCall.Status.WAITING)
    return frozenset(map(str, over.values_list("uuid", flat=True)))


def before(run: Run, address: Address) -> list[dict[str, Any]]:
    """Returns the messages before the run's answer, which its stream tells."""
    id = str(run.answer.uuid)
    branch = snapshot(run.conversation_id).transcript.branch(id)
    at = next((at for at, each in enumerate(branch) if each.id == id), len(branch))
    said = branches.answered_once(branch[: at + 1])
    return [shown(each, address) for each in said if each.id != id]


def answer_in(request: Request, given: Mapping[str, Any]) -> Run:
    """Returns the newest answer to the prompt of a list that is posted again. Raises NotFound."""
    again = posted(given)
    here = client_ids.conversation_of(request.user, again.name)
    prompt = message_of(here, again.messages[-1]) if here and again.messages else None
    run = prompt.runs.order_by("pk").last() if prompt else None
    if run is None:
        raise NotFound(NOT_HERE)
    return with_all(run)


def loaded(request: Request) -> JsonResponse:
    """Returns the messages of the newest branch and the run that is open. The open run's
    answer is left out: a client that joins the run is sent all of it."""
    if "threadId" not in request.GET:
        raise Invalid("Ask for a threadId or a runId.", field="threadId")
    name = client_ids.name_in(request.GET.get("threadId"), "threadId")
    here = client_ids.conversation_of(request.user, name)
    if here is None:
        return JsonResponse({"messages": [], "activeRun": None})
    return JsonResponse(shown_in(here, addresses(request)))


def shown_in(here: Conversation, address: Address) -> dict[str, Any]:
    run = active(here)
    messages = branches.answered_once(snapshot(here.pk).transcript.branch())
    left_out = run and str(run.answer.uuid)
    return {
        "messages": [shown(each, address) for each in messages if each.id != left_out],
        "activeRun": run and {"runId": str(run.uuid)},
    }
