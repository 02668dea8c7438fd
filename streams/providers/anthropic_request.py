"""Turns and tools in the form that Anthropic's Messages API takes.

A tool's result stands in the user's message right behind the call, before any text; a message that
the model thought in goes back as it came:
https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from streams.providers import payload
from streams.providers.base import Call, File, Part, Prompt, Result, Text, ToolSpec, Turn
from streams.providers.portable_turns import call_ids, replayed, told

THOUGHTS = ("thinking", "redacted_thinking")


def messages(prompt: Prompt, name: str) -> list[dict[str, Any]]:
    return [
        {"role": turn.role, "content": items(turn, prompt, name) or content(turn.parts)}
        for turn in told(prompt)
    ]


def items(turn: Turn, prompt: Prompt, name: str) -> list[Mapping[str, Any]] | None:
    """Returns the blocks of the message as it came, if it came from this model; unless its calls
    are others by now, as those of an answer that was stopped.
    """
    replay = replayed(turn, name, prompt.model)
    if replay is None or not prompt.tools:
        return None
    called = [it.get("id") for it in replay.items if it.get("type") == "tool_use"]
    return list(replay.items) if called == call_ids(turn) else None


def content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    if all(isinstance(part, Text) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [*blocks(parts)]


def blocks(parts: Sequence[Part]) -> Iterator[dict[str, Any]]:
    """Yields the blocks of one message; blank text is refused, and left out."""
    for part in parts:
        match part:
            case Result(call_id, text, is_error):
                block = {"type": "tool_result", "tool_use_id": call_id, "content": text}
                yield block | ({"is_error": True} if is_error else {})
            case Call(call_id, name, arguments):
                yield {"type": "tool_use", "id": call_id, "name": name, "input": read(arguments)}
            case File():
                yield file(part)
            case Text(text) if text.strip():
                yield {"type": "text", "text": text}


def file(part: File) -> dict[str, Any]:
    source = {"type": "base64", "media_type": part.type, "data": part.base64}
    if part.is_image:
        return {"type": "image", "source": source}
    return {"type": "document", "source": source, "title": part.name}


def read(arguments: str) -> dict[str, Any]:
    """Returns arguments as the object that the API wants; those that were none are nothing, and
    the call's result says so.
    """
    try:
        given = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        return {}
    return given if isinstance(given, dict) else {}


def tool(spec: ToolSpec) -> dict[str, Any]:
    named = {"name": spec.name, "input_schema": spec.parameters}
    return named | ({"description": spec.description} if spec.description else {})


def thinking(request: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the request without `thinking` where the API would refuse it: with it "enabled", a
    message that called tools since the last prompt has to begin with a thought.
    """
    kept = dict(request)
    enabled = payload.within(kept, "thinking", "type") == "enabled"
    if enabled and any(map(is_unthought, since_prompt(kept["messages"]))):
        del kept["thinking"]
    return kept


def since_prompt(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yields the model's messages, newest first, back to the last message without results."""
    for message in reversed(messages):
        if message["role"] == "assistant":
            yield message
        elif not has(message, "tool_result"):
            return


def is_unthought(message: Mapping[str, Any]) -> bool:
    return has(message, "tool_use") and message["content"][0].get("type") not in THOUGHTS


def has(message: Mapping[str, Any], type: str) -> bool:
    content = message["content"]
    return not isinstance(content, str) and any(block.get("type") == type for block in content)
