"""Begins the run of a response, and finds runs by responses' ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from streams import log, policy, quotas
from streams.dialects.files import Storing, earlier_of
from streams.dialects.openai_input import imported
from streams.exceptions import NotFound
from streams.models import Conversation, Device, Run, branching, first_prompt
from streams.models.branching import Imported
from streams.models.conversation import named
from streams.postgres.database import atomic
from streams.text import opening_of
from streams.views.attaching import check_taken
from streams.views.validation import checked_values, short_enough

from . import ids
from .asking import Asked
from .encoder import Encoder
from .response import Response

NOT_HERE = "This response isn't here, or isn't yours."


def begin(user: Any, device: Device, asked: Asked, key: str | None = None) -> Run:
    """Stores the prompt and its run: in a new conversation, behind a response, or at the end of a
    conversation. With a `key` that came before it is the run of that time.

    Raises NotFound, and what `Conversation.post` raises.
    """
    short_enough("client_key", key or "")
    if asked.model:
        checked_values({"model": asked.model})
        policy.check_model(user, asked.model)
    place = place_of(user, asked)
    with Storing(user, "input") as storing:
        here = place.conversation.uuid if place else named(user, key) if key else None
        earlier = earlier_of(user, here, key)
        before = [] if earlier else imported(asked.said.before, storing)
        sent = Sent(before, storing.ids(asked.said.prompt.files, earlier), key)
        return stored(user, device, asked, place, sent)


class Place(NamedTuple):
    """Where a response goes on: in a conversation, behind its newest message or a `parent`."""

    conversation: Conversation
    parent: str | None = None


class Sent(NamedTuple):
    """What was sent with a prompt, the files of all messages stored."""

    before: list[Imported]
    files: Sequence[UUID]
    key: str | None


def place_of(user: Any, asked: Asked) -> Place | None:
    """Returns None for a new conversation. Raises NotFound."""
    if asked.previous:
        previous = own(user, ids.response_id(asked.previous))
        return Place(previous.conversation, str(previous.answer.uuid))
    if asked.conversation:
        return Place(own_conversation(user, ids.conversation_id(asked.conversation)))
    return None


@atomic
def stored(user: Any, device: Device, asked: Asked, place: Place | None, sent: Sent) -> Run:
    begun = go_on(user, device, asked, place, sent) if place else anew(user, device, asked, sent)
    run, new = begun
    if new:
        run.asked = asked.kept
        run.save(update_fields=["asked"])
    return run


def anew(user: Any, device: Device, asked: Asked, sent: Sent) -> tuple[Run, bool]:
    text, before, files, key = asked.said.prompt.text, *sent
    values = {
        "model": asked.model or policy.default_model(user),
        "system": asked.said.system or "",
        "title": opening_of(text)[:60],
    }
    check_taken(user, values["model"], files)
    checked = checked_values(values)
    begun = first_prompt.begin_with(user, text, device, key, before, files, **checked)
    return begun[2], begun[3]


def go_on(user: Any, device: Device, asked: Asked, place: Place, sent: Sent) -> tuple[Run, bool]:
    parent = place.parent
    quotas.lock_owner(user.pk)
    here = Conversation.lock(place.conversation.pk)
    check_taken(user, asked.model or here.model, sent.files)
    repeated = sent.key and here.messages.filter(client_key=sent.key).exists()
    if not repeated:
        if asked.model and asked.model != here.model:
            here = here.change(device, model=asked.model)
        taken = branching.take_in(here, sent.before, parent)
        parent = str(taken[-1].uuid) if taken else parent
    text, files = asked.said.prompt.text, sent.files
    _, run, new = here.post(text, device, sent.key, parent, attachments=files)
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
