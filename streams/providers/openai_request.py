"""Turns and tools in the forms that OpenAI's two APIs take.

https://platform.openai.com/docs/guides/function-calling and, for what a model thought,
https://platform.openai.com/docs/guides/reasoning#keeping-reasoning-items-in-context
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from streams.providers.base import Call, File, Prompt, Result, Text, ToolSpec, Turn
from streams.providers.portable_turns import call_ids, replayed, spoken, told

# Models that do not reason, and refuse to be asked for it.
UNREASONING = ("gpt-3.5", "gpt-4", "chatgpt-4o")
ENCRYPTED = "reasoning.encrypted_content"


def function(spec: ToolSpec) -> dict[str, Any]:
    return {"name": spec.name, "description": spec.description, "parameters": spec.parameters}


def responses_tool(spec: ToolSpec) -> dict[str, Any]:
    """Returns a tool as the Responses API takes it. `strict`, the API's default, is off: it would
    make every parameter a required one.
    """
    return {"type": "function", **function(spec), "strict": False}


def chat_tool(spec: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "function": function(spec)}


def included(prompt: Prompt) -> list[str]:
    """Returns what is to be in the answer beside its text: the thoughts, encrypted, without which
    the next request of a loop is refused.
    """
    reasons = prompt.tools and not prompt.model.startswith(UNREASONING)
    return [ENCRYPTED] if reasons else []


def responses_input(prompt: Prompt, name: str) -> list[Mapping[str, Any]]:
    return [item for turn in told(prompt) for item in responses_items(turn, prompt, name)]


def responses_items(turn: Turn, prompt: Prompt, name: str) -> Iterator[Mapping[str, Any]]:
    """Yields the items of a turn: those that came from this model as they came, unless its calls
    are others by now, as those of an answer that was stopped.
    """
    replay = replayed(turn, name, prompt.model)
    if replay and prompt.tools:
        called = [it.get("call_id") for it in replay.items if it.get("type") == "function_call"]
        if called == call_ids(turn):
            yield from replay.items
            return
    if has_files(turn):
        yield {"role": turn.role, "content": [*content(turn, response_file, "input_text")]}
    for part in turn.parts:
        match part:
            case Text(text) if text and not has_files(turn):
                yield {"role": turn.role, "content": text}
            case Call(call_id, called_name, arguments):
                call = {"call_id": call_id, "name": called_name, "arguments": arguments or "{}"}
                yield {"type": "function_call", **call}
            case Result(call_id):
                output = {"call_id": call_id, "output": spoken(part)}
                yield {"type": "function_call_output", **output}


def chat_messages(prompt: Prompt, name: str) -> Iterator[dict[str, Any]]:
    """Yields the messages: each result in one of its own, a model's text and calls in one."""
    for turn in told(prompt):
        for part in turn.parts:
            if isinstance(part, Result):
                yield {"role": "tool", "tool_call_id": part.call_id, "content": spoken(part)}
        calls = [chat_call(part) for part in turn.parts if isinstance(part, Call)]
        if calls:
            message = {"role": turn.role, "content": turn.text or None, "tool_calls": calls}
            yield with_opaque(message, turn, prompt, name)
        elif has_files(turn):
            yield {"role": turn.role, "content": [*content(turn, chat_file, "text")]}
        elif turn.text or not any(isinstance(part, Result) for part in turn.parts):
            yield {"role": turn.role, "content": turn.text}


def has_files(turn: Turn) -> bool:
    return any(isinstance(part, File) for part in turn.parts)


def content(
    turn: Turn, of_file: Callable[[File], dict[str, Any]], text: str
) -> Iterator[dict[str, Any]]:
    """Yields what was said with files, in its order."""
    for part in turn.parts:
        if isinstance(part, File):
            yield of_file(part)
        elif isinstance(part, Text) and part.text:
            yield {"type": text, "text": part.text}


def response_file(file: File) -> dict[str, Any]:
    if file.is_image:
        return {"type": "input_image", "image_url": file.data_url}
    return {"type": "input_file", "filename": file.name, "file_data": file.data_url}


def chat_file(file: File) -> dict[str, Any]:
    if file.is_image:
        return {"type": "image_url", "image_url": {"url": file.data_url}}
    return {"type": "file", "file": {"filename": file.name, "file_data": file.data_url}}


def chat_call(call: Call) -> dict[str, Any]:
    called = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.call_id, "type": "function", "function": called}


def with_opaque(message: dict[str, Any], turn: Turn, prompt: Prompt, name: str) -> dict[str, Any]:
    """Returns the message with what its server wants to see again: its thoughts (DeepSeek), and a
    signature at a call (Gemini), both refused when missing.
    """
    replay = replayed(turn, name, prompt.model)
    for item in replay.items if replay else ():
        if "reasoning_content" in item:
            message["reasoning_content"] = item["reasoning_content"]
        for call in message["tool_calls"]:
            if call["id"] == item.get("call_id"):
                call["extra_content"] = item.get("extra_content")
    return message
