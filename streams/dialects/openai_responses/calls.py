"""Results of calls that a client has run itself: a run that waits for them goes on with them.

For the client that is another response, under another id; here it is the same run from the event on
at which it waited.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from streams import quotas
from streams.dialects.deciding import Decided, decide
from streams.dialects.openai_input import text_in
from streams.exceptions import Invalid, NotFound
from streams.models import Conversation, Device, Run, ToolCall
from streams.postgres.database import atomic

from . import ids

CALL, RESULT = "function_call", "function_call_output"
SKIPPED = (CALL, RESULT, "reasoning")  # of the items behind the last message
NO_CALL = "No tool call found for function call output with call_id {}."
NO_RESULT = "No tool output found for function call {}."
EARLIER = (
    "Calls of earlier turns can't be sent: they are known here, so go on by previous_response_id "
    "or conversation, and send what came after that."
)
OTHER_MODEL = "Results go on with the same answer, which is of {}: send that model or none."
LONGEST_ID = 200


class Result(NamedTuple):
    """The result of a call, as a client sends it."""

    call_id: str
    output: str


def results_in(items: Any) -> list[Result]:
    """Returns the results that an input ends with. Raises Invalid for calls anywhere else."""
    if not isinstance(items, list):
        return []
    kinds = [kind_of(item) for item in items]
    if CALL not in kinds and RESULT not in kinds:
        return []
    said = [at for at, kind in enumerate(kinds) if kind not in SKIPPED]
    begin = said[-1] + 1 if said else 0
    if {CALL, RESULT} & {*kinds[:begin]}:
        raise Invalid(EARLIER, field="input")
    found = [result_in(item) for item in items[begin:] if kind_of(item) == RESULT]
    given = {each.call_id for each in found}
    for item in items[begin:]:
        if kind_of(item) == CALL and item.get("call_id") not in given:
            raise Invalid(NO_RESULT.format(str(item.get("call_id"))[:80]), field="input")
    return found


def kind_of(item: Any) -> str:
    kind = item.get("type", "message") if isinstance(item, Mapping) else None
    return kind if isinstance(kind, str) else ""


def result_in(item: Mapping[str, Any]) -> Result:
    call_id = item.get("call_id")
    if not isinstance(call_id, str) or not 0 < len(call_id) <= LONGEST_ID:
        raise Invalid("call_id is the id of a call.", field="input")
    return Result(call_id, text_in(item.get("output"), "input"))


@atomic
def go_on(
    user: Any,
    device: Device,
    results: Sequence[Result],
    here: Conversation | Run | None,
    kept: Mapping[str, Any],
    model: str = "",
) -> tuple[Run, int]:
    """Takes results as the decisions about calls of a run, which is that of the previous response,
    in the conversation, or any by itself. Returns it, and the event since which it is the new
    response, of which `kept` is kept. The same results once more are the same response.

    Raises Invalid, in OpenAI's words, for a call that is not there and for one without a result,
    and for another `model` than the run's.
    """
    run = run_called(user, results, here)
    if model and model != run.model:
        raise Invalid(OTHER_MODEL.format(run.model), field="model")
    quotas.lock_owner(run.conversation.owner_id)
    Conversation.lock(run.conversation_id)
    known = {id_of(run, call): call for call in run.calls.filter(client=True)}
    for result in results:
        if result.call_id not in known:
            raise no_call(result)
    check_answered(run, {result.call_id for result in results})
    decided = [
        Decided("", known[each.call_id].block, "answered", result=each.output) for each in results
    ]
    since = decide(run, device, decided)
    keep(run, since, {**kept, "calls": [known[each.call_id].call_id for each in results]})
    return run, since


def run_called(user: Any, results: Sequence[Result], here: Conversation | Run | None) -> Run:
    """Returns the run whose calls these are. Raises Invalid if it isn't there, or isn't `here`."""
    named = ids.call_of(results[0].call_id)
    found = Run.objects.owned_by(user).filter(uuid=named[0]).first() if named else None
    if found is None or (here is not None and here not in (found, found.conversation)):
        raise no_call(results[0])
    return found


def no_call(result: Result) -> Invalid:
    return Invalid(NO_CALL.format(result.call_id[:80]), field="input")


def id_of(run: Run, call: ToolCall) -> str:
    """Returns what clients call a call."""
    return ids.call_id(run.uuid, call.block)


def check_answered(run: Run, given: Collection[str] = ()) -> None:
    """Raises Invalid for a call of the run that waits for its client and is not among those."""
    for call in run.calls.filter(client=True, status=ToolCall.Status.WAITING):
        if id_of(run, call) not in given:
            raise Invalid(NO_RESULT.format(id_of(run, call)), field="input")


def keep(run: Run, since: int, kept: Mapping[str, Any]) -> None:
    """Keeps what the response asked for that a run is since an event, and for the steps to come
    what it says of instructions and tools. The caller holds the conversation."""
    stored = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    asked = stored.asked or {}
    responses = asked.get("responses", {})
    if str(since) in responses:
        return
    own = {name: kept[name] for name in ("calls", "echo", "hidden") if name in kept}
    anew = {name: kept[name] for name in ("system", "tools", "answer_tokens") if name in kept}
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
            "type": RESULT,
            "call_id": id_of(run, call),
            "output": call.result,
            "status": "completed",
        }
        for call in calls
    ]
