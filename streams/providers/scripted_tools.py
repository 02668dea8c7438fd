"""The script `tools`: calls what the prompt says, a line for each step.

    find_orders {"text": "router"}
    refund {"order": 41, "reason": "broken"} + refund {"order": 42, "reason": "broken"}

is a step with one call, a step with two, and then an answer that says what the last of them
returned. A line that is no call is said, and ends the run.
"""

from __future__ import annotations

import re

from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Call,
    Finished,
    Kind,
    Prompt,
    ProviderEvent,
    Result,
    Turn,
)

CALL = re.compile(r"\s*(?P<name>[\w-]{1,64}) (?P<arguments>\{.*\})\s*")
BESIDE = " + "


def events(prompt: Prompt) -> list[ProviderEvent]:
    """Returns the events of the step that comes next."""
    at = max(
        n for n, turn in enumerate(prompt.turns) if turn.role == "user" and not has_results(turn)
    )
    done = sum(any(isinstance(part, Call) for part in turn.parts) for turn in prompt.turns[at:])
    lines = [line for line in prompt.turns[at].text.splitlines() if line.strip()]
    calls = [CALL.fullmatch(each) for each in lines[done].split(BESIDE)] if lines[done:] else []
    made: list[ProviderEvent] = []
    for index, call in enumerate(calls):
        if call is None:
            return said(lines[done])
        made.append(BlockStarted(index, Kind.TOOL_CALL, call["name"], f"call_{at}_{done}_{index}"))
        made += BlockDelta(index, call["arguments"]), BlockEnded(index)
    if made:
        return [*made, Finished("tool_call", {"input_tokens": at + 1, "output_tokens": len(calls)})]
    results = [part.text for part in prompt.turns[-1].parts if isinstance(part, Result)]
    return said("\n".join(results) or "Nothing to call.")


def has_results(turn: Turn) -> bool:
    return any(isinstance(part, Result) for part in turn.parts)


def said(text: str) -> list[ProviderEvent]:
    block: list[ProviderEvent] = [BlockStarted(0, Kind.TEXT), BlockDelta(0, text), BlockEnded(0)]
    return [*block, Finished("end_turn", {"input_tokens": 1, "output_tokens": len(text.split())})]
