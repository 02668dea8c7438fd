"""Turns of a loop of tools, prepared for what all APIs ask of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from streams.providers.base import Call, File, Part, Prompt, Replay, Result, Text, Turn

# An id as each of the APIs takes it: another vendor's may be a page long.
CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
REFUSED = "Error: "


def told(prompt: Prompt) -> Iterator[Turn]:
    """Yields the turns with ids that every API takes. Where no tool is offered, calls and their
    results are told in words: APIs refuse them without the tools.
    """
    for turn in prompt.turns:
        parts = map(portable, turn.parts) if prompt.tools else in_words(turn.parts)
        yield replace(turn, parts=tuple(parts))


def in_words(parts: Sequence[Part]) -> Iterator[Part]:
    """Describes calls and results as text, each in lines of its own."""
    for number, part in enumerate(parts):
        gap = "\n\n" if number else ""
        match part:
            case Call(name=name, arguments=arguments):
                yield Text(f"{gap}[Called {name} with {arguments}]")
            case Result():
                yield Text(f"{gap}[Result: {spoken(part)}]")
            case File():
                yield part
            case Text(text):
                told_before = number and isinstance(parts[number - 1], Call | Result)
                yield Text(gap + text if told_before else text)


def portable(part: Part) -> Part:
    if isinstance(part, Text | File) or CALL_ID.fullmatch(part.call_id):
        return part
    short = f"call_{sha256(part.call_id.encode(errors='replace')).hexdigest()[:32]}"
    return replace(part, call_id=short)


def spoken(result: Result) -> str:
    """Returns a result for APIs that have no mark for an error."""
    return REFUSED * result.is_error + result.text


def replayed(turn: Turn, provider: str, model: str) -> Replay | None:
    """Returns the items to send again with this turn, or None where they are another's."""
    if turn.replay and turn.replay.items and turn.replay.belongs_to(provider, model):
        return turn.replay
    return None


def call_ids(turn: Turn) -> list[str]:
    return [part.call_id for part in turn.parts if isinstance(part, Call)]
