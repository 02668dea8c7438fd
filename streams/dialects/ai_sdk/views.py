"""`/api/chat`: what `useChat` of the AI SDK asks for, and the stop it lacks."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse

from streams.conversation_snapshot import snapshot
from streams.dialects import client_ids
from streams.dialects.endpoint import DialectView, body_of, body_with_files
from streams.dialects.files import addresses
from streams.dialects.message_lists import ask
from streams.dialects.runs import active, decided_by, stop, with_all
from streams.dialects.tool_decisions import decide, waited_for
from streams.exceptions import NotFound, StreamsError
from streams.log import branches
from streams.models import Conversation, Run
from streams.views.resource import Request

from . import posted_decisions
from .encoder import UIMessageStream
from .messages import posted, shown
from .shown import Shown

NOT_HERE = "This chat isn't here, or isn't yours."


class AISDKView(DialectView):
    stream_headers = ((b"x-vercel-ai-ui-message-stream", b"v1"),)

    @staticmethod
    def refusal(error: StreamsError) -> dict[str, Any]:
        """Returns what `useChat` has as its error's message: any text will do."""
        told = {"code": error.code, "message": error.message}
        return {"error": told | ({"field": error.field} if error.field else {})}

    def stream(self, request: Request, run: Run, **known: Any) -> HttpResponse:
        encoder = UIMessageStream(str(run.answer.uuid), decided=decided_by(run), **known)
        return self.follow(request, run, encoder)


class Post(AISDKView):
    takes_files = "data"

    def post(self, request: Request) -> HttpResponse:
        """Begins a run, or goes on with the answer that the list ends with, under the client's
        message id: behind the decisions about its calls, and without what the client has of it."""
        given = body_with_files(request)
        if posted_decisions.continues(given):
            run, message = posted_decisions.run_of(request.user, given), given["messages"][-1]
            decisions = posted_decisions.decisions(message)
            decide(run, request.device, decisions)
            after = waited_for(run, decisions)
            return self.stream(request, with_all(run), after=after, shown=Shown(message))
        run = ask(request.user, request.device, posted(given))
        return self.stream(request, with_all(run))


class Chat(AISDKView):
    def get(self, request: Request, name: str) -> HttpResponse:
        """Returns the messages of the newest branch, for a page that is loaded."""
        whole = snapshot(own(request, name).pk).transcript
        messages = branches.answered_once(whole.branch())
        address = addresses(request)
        return JsonResponse({"id": name, "messages": [shown(each, address) for each in messages]})


class Resume(AISDKView):
    def get(self, request: Request, name: str) -> HttpResponse:
        """Streams the answer that is being written, from its beginning; 204 if there is none."""
        here = client_ids.conversation_of(request.user, name)
        run = active(here) if here else None
        return self.stream(request, run) if run else HttpResponse(status=204)


class Stop(AISDKView):
    def post(self, request: Request, name: str) -> HttpResponse:
        """Stops the answer `messageId`, or without that the one being written."""
        here = own(request, name)
        run = stop(here, request.device, body_of(request).get("messageId"))
        return JsonResponse({"stopped": run and str(run.answer.uuid)}, status=202 if run else 200)


def own(request: Request, name: str) -> Conversation:
    """Raises NotFound."""
    if here := client_ids.conversation_of(request.user, name):
        return here
    raise NotFound(NOT_HERE)
