"""A list whose last message is an answer: the client has decided about its calls, or has run them
itself, or was cut off and asks for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.dialects import client_ids
from streams.dialects.tool_decisions import Decided, block_in, text_of
from streams.exceptions import NotFound
from streams.models import Run


def continues(given: Mapping[str, Any]) -> bool:
    messages = given.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, Mapping) and last.get("role") == "assistant"


def run_of(user: Any, given: Mapping[str, Any]) -> Run:
    """Returns the run whose answer the list ends with. Raises NotFound."""
    here = client_ids.conversation_of(user, client_ids.name_in(given.get("id"), "id"))
    answer = client_ids.as_uuid(str(given["messages"][-1].get("id")))
    run: Run | None = None
    if here and answer:
        known = here.runs.select_related("conversation", "answer")
        run = known.filter(answer__uuid=answer).first()
    if run is None:
        raise NotFound("This message isn't here, or isn't yours.")
    return run


def decisions(message: Mapping[str, Any]) -> Sequence[Decided]:
    parts = message.get("parts")
    return [
        decided
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, Mapping) and (decided := decision_in(part))
    ]


def decision_in(part: Mapping[str, Any]) -> Decided | None:
    """Reads a tool's part: its approval was answered, or its output is there."""
    block = block_in(str(part.get("toolCallId", "")), ":")
    approval = part.get("approval")
    state = part.get("state")
    if state == "approval-responded" and isinstance(approval, Mapping):
        word = "approved" if approval.get("approved") is True else "denied"
        note = approval.get("reason")
        note = note if isinstance(note, str) else ""
        return Decided(str(approval.get("id", "")) or "none", block, word, note=note)
    if state == "output-available":
        return Decided("", block, "answered", result=text_of(part.get("output")))
    if state == "output-error":
        return Decided("", block, "answered", result=str(part.get("errorText", "")))
    return None
