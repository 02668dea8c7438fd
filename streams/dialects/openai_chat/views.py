"""`/v1/chat/completions`."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse

from streams import policy
from streams.dialects import openai_calls as calls
from streams.dialects.files import Storing, check_ahead, earlier_of
from streams.dialects.openai_endpoint import OpenAIView
from streams.dialects.openai_input import Sent, check_rounds, imported
from streams.dialects.runs import with_all
from streams.models import Device, Run, new_conversation
from streams.models.conversation import named
from streams.postgres import clock
from streams.postgres.database import atomic
from streams.text_cleaning import opening_of
from streams.views.conversation_fields import checked_values, short_enough
from streams.views.prompt_files import check_taken
from streams.views.resource import Request

from .encoder import Completion, PieceEncoder, WholeEncoder
from .request import Asked, asked


class ChatCompletions(OpenAIView):
    takes_files = "data"
    document_headers = ((b"x-should-retry", b"false"),)  # the worker has asked again already

    def post(self, request: Request) -> HttpResponse:
        wanted = asked(self.sent(request))
        key = request.headers.get("Idempotency-Key")
        begun, since = begin(request.user, request.device, wanted, key)
        run = with_all(begun)
        created = int(run.queued_at.timestamp())
        completion = Completion(str(run.uuid), run.model, created, since)
        if wanted.stream:
            return self.follow(request, run, PieceEncoder(completion, wanted.usage))
        return self.follow(request, run, WholeEncoder(completion), streams=False)


def begin(user: Any, device: Device, asked: Asked, key: str | None = None) -> tuple[Run, int]:
    """Stores the messages as a conversation of their own, and the run of its last prompt. The
    client holds its history itself, and sends all of it each time: so the conversation is archived
    from the beginning. With a `key` that came before it is the run of that time; with results of
    calls the run that waits for them, and the event behind which it goes on.

    Raises what `first_prompt.begin_with` and `calls.go_on` raise, and UnknownModelName.
    """
    short_enough("client_key", key or "")
    if asked.model:
        checked_values({"model": asked.model})
        policy.check_model(user, asked.model)
    if asked.results:
        prompt = asked.said.prompt.text
        going = calls.Going(asked.results, asked.kept, asked.model, prompt, field="messages")
        if found := calls.go_on(user, device, going):
            return found
    check_rounds(asked.said, "messages")
    with Storing(user, "messages") as storing:
        earlier = earlier_of(user, named(user, key) if key else None, key)
        before = [] if earlier else asked.said.before
        said = [*before, asked.said.prompt]
        model = asked.model or policy.default_model(user)
        ahead = partial(check_ahead, user, None, model, said)
        *files, last = storing.each([each.files for each in said], earlier, ahead)
        return stored(user, device, asked, Sent(imported(before, files), last, key)), 0


@atomic
def stored(user: Any, device: Device, asked: Asked, sent: Sent) -> Run:
    before, files, key = sent
    values = {
        "model": asked.model or policy.default_model(user),
        "system": asked.said.system or "",
        "title": opening_of(asked.said.prompt.text)[:60],
    }
    check_taken(user, values["model"], files)
    here, _, run, new = new_conversation.begin_with(
        user, asked.said.prompt.text, device, key, before, files, **checked_values(values)
    )
    if not new:
        return run
    here.archived_at = clock.now()
    here.save(update_fields=["archived_at"])
    run.asked = asked.kept
    run.save(update_fields=["asked"])
    return run
