"""Results of calls that a client has run itself: a run that waits for them goes on with them.

For the client that is another response or completion, under another id; here it is the same run
from the event on at which it waited. A client that holds its history itself says in it what it
knows; where that is not what is known here, the run's answer is not the one that it wants.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from streams import log, quotas
from streams.exceptions import Invalid, NotFound
from streams.models import Conversation, Device, Run, ToolCall
from streams.postgres.database import atomic
from streams.text_cleaning import clean

from . import openai_ids as ids
from .openai_history import Result
from .openai_input import NO_CALL, NO_RESULT
from .tool_decisions import Decided, decide

SETTINGS = ("system", "tools", "answer_tokens")
OTHER_MODEL = "Results go on with the same answer, which is of {}: send that model or none."


@dataclass(frozen=True, slots=True)
class Going:
    """A request that brings results, of which the run that goes on keeps `kept`.

    `prompt` is the text that they follow, of a client that brings all that was said as well; None
    of one that brings results alone. `field` is where errors are.
    """

    results: Sequence[Result]
    kept: Mapping[str, Any]
    model: str = ""
    prompt: str | None = None
    field: str = "input"

    @property
    def has_history(self) -> bool:
        return self.prompt is not None


@atomic
def go_on(
    user: Any, device: Device, going: Going, here: Conversation | Run | None = None
) -> tuple[Run, int] | None:
    """Takes results as the decisions about calls of a run, which is that of the previous response,
    in the conversation, or any by itself. Returns it, and the event since which it is the new
    response. The same results once more are the same response, whatever the run waits for by now.
    Returns None where a client's own history is another: then the run is left as it is.

    Raises Invalid, in OpenAI's words, for a call that is not there and for one without a result,
    and for another model than the run's.
    """
    run = run_called(user, going.results[-1], here)
    if run is None:
        refuse_unless_history(going, going.results[-1])
        return None
    if going.model and going.model != run.model:
        if going.has_history:
            return None
        raise Invalid(OTHER_MODEL.format(run.model), field="model")
    quotas.lock_owner(run.conversation.owner_id)
    Conversation.lock(run.conversation_id)
    run.refresh_from_db(fields=["status"])
    known = {id_of(run, call): call for call in run.calls.filter(client=True)}
    results = [each for each in going.results if each.call_id in known]
    if not results or (len(results) < len(going.results) and not going.has_history):
        unknown = (each for each in reversed(going.results) if each.call_id not in known)
        refuse_unless_history(going, next(unknown))
        return None
    told = {each.call_id: each.output for each in results}
    if going.has_history and is_another(run, known, told, going):
        return None
    check_answered(run, told, going.field, max(known[it].step for it in told))
    decided = [
        Decided("", known[each.call_id].block, "answered", result=each.output) for each in results
    ]
    since = decide(run, device, decided)
    keep(run, since, {**going.kept, "calls": [known[each].call_id for each in told]})
    return run, since


def run_called(user: Any, result: Result, here: Conversation | Run | None) -> Run | None:
    """Returns the run whose call this is about; None if it isn't there, or isn't `here`."""
    named = ids.call_of(result.call_id)
    found = Run.objects.owned_by(user).filter(uuid=named[0]).first() if named else None
    if found is None or (here is not None and here not in (found, found.conversation)):
        return None
    return found


def refuse_unless_history(going: Going, result: Result) -> None:
    """Raises Invalid where nobody says which call a result is of."""
    if not going.has_history:
        raise Invalid(NO_CALL.format(result.call_id[:80]), field=going.field)


def is_another(
    run: Run, known: Mapping[str, ToolCall], told: Mapping[str, str], going: Going
) -> bool:
    """Tells whether an answer to this request is another than the run's: that has failed, answers
    another prompt, or goes on from other results, or from the same by other settings."""
    answered = {it for it in known if known[it].decision == ToolCall.Decision.ANSWERED}
    return (
        run.status == Run.Status.FAILED
        or going.prompt != run.prompt.text
        or any(clean(told.get(it, known[it].result)) != known[it].result for it in answered)
        or (answered >= told.keys() and is_set_otherwise(run, [known[it] for it in told], going))
    )


def is_set_otherwise(run: Run, calls: Sequence[ToolCall], going: Going) -> bool:
    """Tells whether the run went on from these calls by other instructions or tools. Where they
    were answered elsewhere, it had those of before."""
    asked = run.asked or {}
    since = log.waited_for(run.conversation_id, run.pk, [call.call_id for call in calls])
    held = asked.get("responses", {}).get(str(since), {}).get("settings")
    return fingerprint(going.kept) != (
        held or fingerprint({name: asked.get(name) for name in going.kept})
    )


def fingerprint(kept: Mapping[str, Any]) -> str:
    """Returns what tells the settings of a request from others: tools would be kept many times."""
    said = {name: kept[name] for name in SETTINGS if kept.get(name)}
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def id_of(run: Run, call: ToolCall) -> str:
    """Returns what clients call a call."""
    return ids.call_id(run.uuid, call.block)


def check_answered(
    run: Run, given: Collection[str] = (), field: str = "input", step: int | None = None
) -> None:
    """Raises Invalid for a call of the run that waits for its client and is not among those. Calls
    behind the `step` do not count: a client that sends a request again may not know of them."""
    waiting = run.calls.filter(client=True, status=ToolCall.Status.WAITING)
    for call in waiting if step is None else waiting.filter(step__lte=step):
        if id_of(run, call) not in given:
            raise Invalid(NO_RESULT.format(id_of(run, call)), field=field)


def keep(run: Run, since: int, kept: Mapping[str, Any]) -> None:
    """Keeps what the response asked for that a run is since an event, and for the steps to come
    what it says of instructions and tools. The caller holds the conversation."""
    stored = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    asked = stored.asked or {}
    responses = asked.get("responses", {})
    if str(since) in responses:
        return
    own = {name: kept[name] for name in ("calls", "echo", "hidden") if name in kept}
    own["settings"] = fingerprint(kept)
    anew = {name: kept[name] for name in SETTINGS if name in kept}
    stored.asked = asked | anew | {"responses": responses | {str(since): own}}
    stored.save(update_fields=["asked"])
    run.asked = stored.asked


def posted(run: Run, since: int) -> list[dict[str, Any]]:
    """Returns the results with which a run went on, as items. Raises NotFound."""
    kept = (run.asked or {}).get("responses", {}).get(str(since))
    if kept is None:
        raise NotFound("This response isn't here, or isn't yours.")
    calls = run.calls.filter(call_id__in=kept.get("calls", ())).order_by("block")
    return [
        {
            "id": f"fco_{call.uuid.hex}",
            "type": "function_call_output",
            "call_id": id_of(run, call),
            "output": call.result,
            "status": "completed",
        }
        for call in calls
    ]
