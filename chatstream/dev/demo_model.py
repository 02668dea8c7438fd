"""The model of `agent:demo`: it decides by the words of the prompt, and calls real tools."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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
    Text,
    Turn,
)

PACE = 0.02  # seconds a token
LONG = re.compile(r"minut|twelve|zwölf|\bstep|schritt", re.IGNORECASE)
STEPS = (
    *("Open the shed", "Find the brushes", "Stir the paint", "Sand the first board"),
    *(
        "Paint the first board",
        "Sand the second board",
        "Paint the second board",
        "Wipe a drop off",
    ),
    *("Paint the gate", "Clean the brushes", "Close the tin", "Look at the fence"),
)
Wanted = tuple[str, dict[str, Any]]  # a tool's name and its arguments


@dataclass(frozen=True, slots=True)
class Step:
    """What one model call says, and the calls it asks for; without any it is the last."""

    text: str
    calls: Sequence[Wanted] = ()


class DemoModel:
    """A provider of the project's own: see `streams.providers.base.Provider`."""

    name = "demo-agent"
    recites = True
    menu: Sequence[str] = ()

    def __init__(self) -> None:
        self.skipped = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        turns = since_prompt(prompt.turns)
        done = sum(turn.role == "assistant" for turn in turns)
        made = long(turns, done) if LONG.search(turns[0].text) else short(turns, done)
        for event in events(made, done):
            if isinstance(event, BlockDelta):
                await asyncio.sleep(PACE)
            yield event
        yield Finished("tool_call" if made.calls else "end_turn", {"output_tokens": 1})

    def models(self) -> Sequence[str]:
        return ()

    async def aclose(self) -> None:
        """Does nothing, since it holds nothing."""


def since_prompt(turns: Sequence[Turn]) -> list[Turn]:
    """Returns the turns of this run: the last prompt that came with no result, and all after it."""
    prompts = [n for n, turn in enumerate(turns) if turn.role == "user" and not results(turn)]
    return list(turns[prompts[-1] :])


def results(turn: Turn) -> list[Result]:
    return [part for part in turn.parts if isinstance(part, Result)]


def added(turn: Turn) -> str:
    """Returns what a person wrote while the run was under way."""
    return " ".join(part.text for part in turn.parts if isinstance(part, Text)).strip()


def long(turns: list[Turn], done: int) -> Step:
    """Works for a minute in twelve steps, and notes what it is told meanwhile."""
    notes = [added(turn) for turn in turns[1:] if turn.role == "user" and added(turn)]
    if done == len(STEPS):
        kept = "".join(f"\n- You added: {note}" for note in notes)
        return Step(f"All twelve steps are done.{kept}")
    new = added(turns[-1]) if done else ""
    said = f"You added “{new}”. I keep it in mind." if new else ""
    said = said or ("I begin. It takes a minute." if not done else "")
    return Step(said, [("do_step", {"number": done + 1, "what": STEPS[done]})])


def short(turns: list[Turn], done: int) -> Step:
    """Reads the files, and asks before it writes one."""
    known = [each for turn in turns for each in results(turn)]
    if done == 0:
        return Step("Let me see what is there.", [("list_files", {})])
    if done == 1:
        names = [name for name in listed(known[0].text) if name != "summary.md"]
        if names:
            return Step("", [("read_file", {"name": name}) for name in names[:5]])
    called = {p.call_id: p for turn in turns for p in turn.parts if isinstance(p, Call)}
    if not any(call.name == "write_file" for call in called.values()):
        text = summary(called, known)
        return Step("I have read them.", [("write_file", {"name": "summary.md", "text": text})])
    last = known[-1]
    if last.is_error:
        return Step(f"Then I write nothing. What I was told: {last.text}")
    return Step("The summary is in `summary.md`.")


def listed(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [str(name) for name in found] if isinstance(found, list) else []


def summary(called: dict[str, Call], known: list[Result]) -> str:
    lines = ["# Summary", ""]
    for result in known:
        call = called.get(result.call_id)
        if call and call.name == "read_file" and not result.is_error:
            name = json.loads(call.arguments)["name"]
            lines.append(f"- {name}: {' · '.join(result.text.split(chr(10))[:3])}".rstrip(" ·"))
    return "\n".join(lines) + "\n"


def events(step: Step, done: int) -> Iterator[ProviderEvent]:
    index = 0
    if step.text:
        yield BlockStarted(index, Kind.TEXT)
        for token in re.findall(r"\s*\S+", step.text):
            yield BlockDelta(index, token)
        yield BlockEnded(index)
        index += 1
    for name, arguments in step.calls:
        yield BlockStarted(index, Kind.TOOL_CALL, name=name, call_id=f"call_{done}_{index}")
        yield BlockDelta(index, json.dumps(arguments, ensure_ascii=False))
        yield BlockEnded(index)
        index += 1
