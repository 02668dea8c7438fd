"""A list whose last message is an answer that waits: the client has decided about its calls, or has
run them itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from streams.dialects import naming
from streams.exceptions import AlreadyDecided, Invalid, NotFound
from streams.models import Conversation, Device, Run, ToolCall

ENDED = "This answer has ended: the last message is the user's prompt."


class Decided(NamedTuple):
    """A decision about the call of this approval, or of this id in the stream."""

    approval: str
    call: str
    decision: str
    note: str = ""
    result: str = ""


def continues(given: Mapping[str, Any]) -> bool:
    messages = given.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, Mapping) and last.get("role") == "assistant"


def waiting_run(user: Any, given: Mapping[str, Any]) -> Run:
    """Returns the run whose answer the list ends with. Raises NotFound, and Invalid once it has
    ended."""
    here = naming.conversation_of(user, naming.name_in(given.get("id"), "id"))
    answer = naming.as_uuid(str(given["messages"][-1].get("id")))
    run: Run | None = None
    if here and answer:
        known = here.runs.select_related("conversation", "answer")
        run = known.filter(answer__uuid=answer).first()
    if run is None:
        raise NotFound("This message isn't here, or isn't yours.")
    if run.status not in Run.OPEN:
        raise Invalid(ENDED, field="messages")
    return run


def decide(run: Run, device: Device, message: Mapping[str, Any]) -> int:
    """Records the decisions of a message. Returns the number of the last event before them. One
    that came first, from another device, stands."""
    before = Conversation.objects.values_list("last_seq", flat=True).get(pk=run.conversation_id)
    for each in decisions(message):
        if call := call_of(run, each):
            try:
                call.decide(each.decision, device, note=each.note, result=each.result)
            except AlreadyDecided:
                continue
    return before


def call_of(run: Run, decided: Decided) -> ToolCall | None:
    """Returns the call that is decided about, while it waits."""
    waiting = run.calls.filter(status=ToolCall.Status.WAITING)
    if decided.approval:
        uuid = naming.as_uuid(decided.approval)
        return waiting.filter(uuid=uuid).first() if uuid else None
    _, _, block = decided.call.rpartition(":")
    number = int(block) if block.isascii() and block.isdigit() and len(block) < 9 else -1
    return waiting.filter(client=True, block=number).first()


def decisions(message: Mapping[str, Any]) -> Sequence[Decided]:
    parts = message.get("parts")
    return [
        decided
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, Mapping) and (decided := decision_in(part))
    ]


def decision_in(part: Mapping[str, Any]) -> Decided | None:
    """Reads a tool's part: its approval was answered, or its output is there."""
    call, approval = str(part.get("toolCallId", "")), part.get("approval")
    state = part.get("state")
    if state == "approval-responded" and isinstance(approval, Mapping):
        word = "approved" if approval.get("approved") is True else "denied"
        note = approval.get("reason")
        note = note if isinstance(note, str) else ""
        return Decided(str(approval.get("id", "")), call, word, note=note)
    if state == "output-available":
        return Decided("", call, "answered", result=text_of(part.get("output")))
    if state == "output-error":
        return Decided("", call, "answered", result=str(part.get("errorText", "")))
    return None


def text_of(output: Any) -> str:
    return output if isinstance(output, str) else orjson.dumps(output).decode()
