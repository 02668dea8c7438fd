"""Begins the run of a response, and finds runs by responses' ids."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from streams import log, policy, quotas
from streams.dialects import openai_calls as calls
from streams.dialects import openai_ids as ids
from streams.dialects.files import Storing, check_ahead, earlier_of
from streams.dialects.openai_input import Sent, check_rounds, imported
from streams.dialects.runs import decided_by
from streams.exceptions import NotFound
from streams.models import Conversation, Device, Run, branching, new_conversation
from streams.models.conversation import named
from streams.postgres.database import atomic
from streams.text_cleaning import opening_of
from streams.views.conversation_fields import checked_values, short_enough
from streams.views.prompt_files import check_taken

from .encoder import WHOLE, Encoder, Extent
from .request import Asked
from .response import Response

NOT_HERE = "This response isn't here, or isn't yours."


class Begun(NamedTuple):
    """A run, and the event behind which it is what a client calls one response."""

    run: Run
    since: int = 0


def begin(user: Any, device: Device, asked: Asked, key: str | None = None) -> Begun:
    """Stores the prompt and its run: in a new conversation, behind a response, or at the end of a
    conversation. With a `key` that came before it is the run of that time. Results of calls go on
    with the run that waits for them.

    Raises NotFound, and what `Conversation.post` and `calls.go_on` raise.
    """
    short_enough("client_key", key or "")
    if asked.model:
        checked_values({"model": asked.model})
        policy.check_model(user, asked.model)
    if asked.results:
        prompt = asked.said.prompt.text if asked.said.rounds else None
        going = calls.Going(asked.results, asked.kept, asked.model, prompt)
        if found := calls.go_on(user, device, going, waits_in(user, asked)):
            return Begun(*found)
    place = place_of(user, asked, key)
    check_rounds(asked.said, "input")
    with Storing(user, "input") as storing:
        here = place.conversation.uuid if place else named(user, key) if key else None
        earlier = earlier_of(user, here, key)
        before = [] if earlier else asked.said.before
        said = [*before, asked.said.prompt]
        model = asked.model or (place.conversation.model if place else policy.default_model(user))
        ahead = partial(check_ahead, user, place.conversation if place else None, model, said)
        *files, last = storing.each([each.files for each in said], earlier, ahead)
        sent = Sent(imported(before, files), last, key)
        return Begun(stored(user, device, asked, place, sent))


class Place(NamedTuple):
    """Where a response goes on: in a conversation, behind its newest message or a `parent`."""

    conversation: Conversation
    parent: str | None = None


def waits_in(user: Any, asked: Asked) -> Run | Conversation | None:
    """Returns where the run is that waits, as far as the client says so. Raises NotFound."""
    if asked.previous:
        return own(user, ids.response_id(*asked.previous)).run
    if asked.conversation:
        return own_conversation(user, ids.conversation_id(asked.conversation))
    return None


def place_of(user: Any, asked: Asked, key: str | None) -> Place | None:
    """Returns None for a new conversation. Raises NotFound, and Invalid where a call waits for its
    result first: unless it is the answer to this very request, which has come before."""
    found = waits_in(user, asked)
    if found is None:
        return None
    here = found.conversation if isinstance(found, Run) else found
    if not earlier_of(user, here.uuid, key):
        waiting = found if isinstance(found, Run) else waiting_in(found)
        if waiting:
            calls.check_answered(waiting)
    return Place(here, str(found.answer.uuid) if isinstance(found, Run) else None)


def waiting_in(here: Conversation) -> Run | None:
    return here.runs.filter(status=Run.Status.WAITING).first()


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
    begun = new_conversation.begin_with(user, text, device, key, before, files, **checked)
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


def own(user: Any, id: str) -> Begun:
    """Returns the run of a response, with its conversation, prompt and answer. Raises NotFound also
    for one that was deleted, or was not to be stored."""
    uuid, since = ids.run_of(id)
    known = Run.objects.owned_by(user).select_related("conversation", "prompt", "answer")
    run = known.filter(uuid=uuid).first()
    kept = kept_of(run, since) if run else None
    if run is None or kept is None or kept.get("hidden"):
        raise NotFound(NOT_HERE)
    return Begun(run, since)


def kept_of(run: Run, since: int) -> dict[str, Any] | None:
    """Returns what is kept of a response; None for one that never was."""
    asked = run.asked or {}
    found: dict[str, Any] | None = asked.get("responses", {}).get(str(since)) if since else asked
    return found


def continued(run: Run) -> list[int]:
    """Returns the events behind which the run was another response."""
    return sorted(map(int, (run.asked or {}).get("responses", {})))


def own_conversation(user: Any, id: str) -> Conversation:
    """Raises NotFound."""
    uuid = ids.parsed(ids.CONVERSATION, id)
    found = Conversation.objects.owned_by(user).filter(uuid=uuid).first()
    if found is None:
        raise NotFound("This conversation isn't here, or isn't yours.")
    return found


def extent_of(run: Run, since: int) -> Extent:
    """Returns how far a response goes. One that was asked for here ends where it waits for its
    client's tools, also when a page answers in the client's place; in other protocols, the run goes
    on.
    """
    behind = [event for event in continued(run) if event > since]
    ends_there = "echo" in (run.asked or {}) and run.status != Run.Status.CANCELLED
    return Extent(since, 0 if ends_there else decided_by(run), behind)


def response_of(run: Run, since: int = 0) -> Response:
    """Returns the response as it was before anything happened."""
    return Response(
        since=since,
        run=str(run.uuid),
        model=run.model,
        conversation=str(run.conversation.uuid),
        created_at=int(run.queued_at.timestamp()),
        echo=(kept_of(run, since) or {}).get("echo", {}),
    )


def as_it_stands(run: Run, since: int = 0) -> dict[str, Any]:
    """Returns the response with what has been said so far."""
    return encoded(run, since, extent_of(run, since)).document()


def all_of(run: Run) -> list[dict[str, Any]]:
    """Returns the items of all responses that a run was."""
    items: list[dict[str, Any]] = encoded(run, 0, WHOLE).document()["output"]
    return items


def encoded(run: Run, since: int, extent: Extent) -> Encoder:
    encoder = Encoder(response_of(run, since), extent=extent)
    encoder.begin()
    for row in log.run_rows(run.conversation_id, run.pk):
        encoder.event(row)
    return encoder


@atomic
def hide(run: Run, since: int, device: Device) -> None:
    """Stops a response and forgets it. Its conversation goes with it where it holds nothing else;
    a log keeps what was said between others."""
    quotas.lock_owner_ahead(run.conversation.owner_id)
    run = stop(run, since, device)
    asked = run.asked or {}
    responses = asked.get("responses", {})
    if since:
        responses = responses | {str(since): responses[str(since)] | {"hidden": True}}
        run.asked = asked | {"responses": responses}
    else:
        run.asked = asked | {"hidden": True}
    run.save(update_fields=["asked"])
    shown = [each for each in (run.asked, *responses.values()) if not each.get("hidden")]
    if not shown and not run.conversation.runs.exclude(pk=run.pk).exists():
        run.conversation.delete_softly(device)


@atomic
def stop(run: Run, since: int, device: Device) -> Run:
    """Stops a response, unless another one goes on with the run by now. Returns the run as it is
    under its conversation's lock."""
    Conversation.lock(run.conversation_id)
    run = Run.objects.select_related("conversation", "answer").get(pk=run.pk)
    if since == max([0, *continued(run)]):
        run.cancel(device)
        run.refresh_from_db(fields=["status", "asked"])
    return run
