"""Begins the run of a response, and finds runs by responses' ids."""

from __future__ import annotations

from typing import Any

from streams import log, policy, quotas
from streams.exceptions import NotFound
from streams.models import Conversation, Device, Run, branching, first_prompt
from streams.postgres.database import atomic
from streams.text import opening_of
from streams.views.validation import checked_values, short_enough

from . import ids
from .asking import Asked
from .encoder import Encoder
from .response import Response

NOT_HERE = "This response isn't here, or isn't yours."


@atomic
def begin(user: Any, device: Device, asked: Asked, key: str | None = None) -> Run:
    """Stores the prompt and its run: in a new conversation, behind a response, or at the end of a
    conversation. With a `key` that came before it is the run of that time.

    Raises NotFound, and what `Conversation.post` raises.
    """
    short_enough("client_key", key or "")
    if asked.model:
        checked_values({"model": asked.model})
        policy.check_model(user, asked.model)
    if asked.previous or asked.conversation:
        run, new = go_on(user, device, asked, key)
    else:
        values = {
            "model": asked.model or policy.default_model(user),
            "system": asked.said.system or "",
            "title": opening_of(asked.said.prompt)[:60],
        }
        _, _, run, new = first_prompt.begin_with(
            user, asked.said.prompt, device, key, asked.said.before, **checked_values(values)
        )
    if new:
        run.asked = asked.kept
        run.save(update_fields=["asked"])
    return run


def go_on(user: Any, device: Device, asked: Asked, key: str | None) -> tuple[Run, bool]:
    parent = None
    if asked.previous:
        previous = own(user, ids.response_id(asked.previous))
        found, parent = previous.conversation, str(previous.answer.uuid)
    else:
        found = own_conversation(user, ids.conversation_id(asked.conversation or ""))
    quotas.lock_owner(user.pk)
    here = Conversation.lock(found.pk)
    repeated = key and here.messages.filter(client_key=key).exists()
    if not repeated:
        if asked.model and asked.model != here.model:
            here = here.change(device, model=asked.model)
        taken = branching.take_in(here, asked.said.before, parent)
        parent = str(taken[-1].uuid) if taken else parent
    _, run, new = here.post(asked.said.prompt, device, key, parent)
    return run, new


def own(user: Any, id: str) -> Run:
    """Returns the run of a response, with its conversation, prompt and answer. Raises NotFound also
    for one that was deleted, or was not to be stored."""
    uuid = ids.parsed(ids.RESPONSE, id)
    known = Run.objects.owned_by(user).select_related("conversation", "prompt", "answer")
    run = known.filter(uuid=uuid).first()
    if run is None or (run.asked or {}).get("hidden"):
        raise NotFound(NOT_HERE)
    return run


def own_conversation(user: Any, id: str) -> Conversation:
    """Raises NotFound."""
    uuid = ids.parsed(ids.CONVERSATION, id)
    found = Conversation.objects.owned_by(user).filter(uuid=uuid).first()
    if found is None:
        raise NotFound("This conversation isn't here, or isn't yours.")
    return found


def response_of(run: Run) -> Response:
    """Returns the response as it was before anything happened."""
    return Response(
        run=str(run.uuid),
        model=run.model,
        conversation=str(run.conversation.uuid),
        created_at=int(run.queued_at.timestamp()),
        echo=(run.asked or {}).get("echo", {}),
    )


def as_it_stands(run: Run) -> dict[str, Any]:
    """Returns the response with what has been said so far."""
    return encoded(run).document()


def encoded(run: Run) -> Encoder:
    encoder = Encoder(response_of(run))
    encoder.begin()
    for row in log.run_rows(run.conversation_id, run.pk):
        encoder.event(row)
    return encoder


@atomic
def hide(run: Run, device: Device) -> None:
    """Stops a response and forgets it. Its conversation goes with it where it holds nothing else;
    a log keeps what was said between others."""
    quotas.lock_owner_ahead(run.conversation.owner_id)
    run = run.cancel(device)
    run.asked = (run.asked or {}) | {"hidden": True}
    run.save(update_fields=["asked"])
    if not run.conversation.runs.exclude(pk=run.pk).exists():
        run.conversation.delete_softly(device)
