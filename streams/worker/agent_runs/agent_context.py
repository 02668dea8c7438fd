"""What an agent's model is told: earlier exchanges and its own steps, with calls and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from ... import log
from ...log import file_references, imported_calls
from ...log.transcript import Block
from ...providers.base import Call, Part, Replay, Result, Text, Turn
from ..continued_run import HeldCall, Standing
from ..conversation_history import DECLINED, files_in, said, told_again


class Turns:
    """Turns that alternate: what is told in a row by one role becomes one turn."""

    def __init__(self) -> None:
        self.made: list[Turn] = []

    def add(self, role: str, parts: Sequence[Part], replay: Replay | None = None) -> None:
        if not parts:
            return
        last = self.made[-1] if self.made else None
        if last is not None and last.role == role:
            self.made[-1] = Turn(last.role, (*last.parts, *parts), replay or last.replay)
        else:
            self.made.append(Turn("user" if role == "user" else "assistant", tuple(parts), replay))


def steps_of(history: str) -> list[int]:
    """Returns the ids of the runs in a history that had steps."""
    return [run for *_, run in orjson.loads(history) if run is not None]


def turns(history: str, earlier: Mapping[int, Standing], own: Standing) -> list[Turn]:
    """Builds the turns from the JSON of `conversation_history.histories`, what earlier runs did,
    and what this one has done so far. Every call has exactly one result.
    """
    *exchanges, (prompt, _, _, _, beside, _) = orjson.loads(history)
    made = Turns()
    for asked, answer, fate, role, _, run in exchanges:
        if fate == DECLINED:
            continue
        if role != "user":
            tell_elsewhere(made, asked)
            continue
        made.add("user", texts(told_again(asked, fate)))
        if run in earlier:
            tell_steps(made, earlier[run])
        else:
            made.add("assistant", texts(answer or []))
    made.add("user", texts(prompt))
    for said_since in rounds(beside):
        tell_elsewhere(made, said_since)
    tell_steps(made, own)
    return made.made


def has_calls_of_elsewhere(history: str) -> bool:
    """Tells whether a client has sent calls with its history. Mostly it has not, which is told
    without reading a long one once more."""
    if '"result": ' not in history:
        return False
    *exchanges, (_, _, _, _, beside, _) = orjson.loads(history)
    said_elsewhere = (said for said, _, _, role, *_ in exchanges if role != "user")
    return bool(rounds(beside)) or any(map(imported_calls.of_blocks, said_elsewhere))


def rounds(beside: Mapping[str, Any] | None) -> list[list[Block]]:
    """Returns what was said and called elsewhere since the prompt, as the run keeps it."""
    said_since = (beside or {}).get("rounds", ())
    return [file_references.said(each["text"], calls=each["calls"]) for each in said_since]


def tell_elsewhere(made: Turns, blocks: Sequence[Block]) -> None:
    """Adds an assistant's message that was said elsewhere, with its calls and their results."""
    calls = imported_calls.of_blocks(blocks)
    asked_for = [Call(call["call_id"], call["name"], call["arguments"]) for call in calls]
    made.add("assistant", [*texts(blocks), *asked_for])
    made.add("user", [Result(call["call_id"], call["result"]) for call in calls])


def tell_steps(made: Turns, standing: Standing) -> None:
    """Adds what a run has done: its steps, with the prompts that joined it in between."""
    edges = [*(step.from_block for step in standing.steps), standing.from_block]
    for step, (begin, end) in zip(standing.steps, pairwise(edges), strict=True):
        tell_steering(made, standing, begin)
        own = [call for call in standing.calls if call.step == step.number]
        tell_step(made, step, standing.blocks[begin:end], own)
    tell_steering(made, standing, standing.from_block)
    made.add("assistant", texts(standing.blocks[standing.from_block :]))


def tell_steering(made: Turns, standing: Standing, at_block: int) -> None:
    for prompt in standing.steered:
        if prompt.at_block == at_block:
            made.add("user", texts(prompt.blocks))


def tell_step(
    made: Turns, step: log.EndedStep, blocks: Sequence[Block], calls: Sequence[HeldCall]
) -> None:
    if not step.model:  # a person's doing: no model has asked for these calls
        made.add("user", [Text(again(call)) for call in calls])
        return
    by_block = {call.block: call for call in calls}
    parts: list[Part] = []
    for block in blocks:
        if block["kind"] == "text" and block["text"].strip():
            parts.append(Text(block["text"]))
        elif call := by_block.get(block["index"]):
            parts.append(Call(call.vendor_id, call.name, call.arguments))
    items = Replay(step.provider, step.model, step.replay) if step.replay else None
    made.add("assistant", parts, items)
    made.add("user", [Result(each.vendor_id, told(each), each.status != "ok") for each in calls])


def told(call: HeldCall) -> str:
    """Returns a call's result with what the person wrote who approved it."""
    if call.note and call.decision == "approved":
        return f"{call.result}\n\n[The person who approved this wrote: {call.note}]"
    return call.result


def again(call: HeldCall) -> str:
    return (
        f"[The person let the tool {call.name} run again, with {call.arguments or '{}'}. "
        f"It ended as {call.status}: {call.result}]"
    )


def texts(blocks: Sequence[Block]) -> list[Part]:
    text = said(list(blocks))
    return [*files_in(blocks), *([Text(text)] if text.strip() else [])]
