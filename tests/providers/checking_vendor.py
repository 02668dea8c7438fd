"""A vendor's server that refuses what Anthropic and OpenAI document as refused.

A loop of tools is played by `steps`: each answer thinks, then calls tools, until the last says
something. `refused` names the rule that a request broke, and the answer is a 400 as theirs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.providers.vendor_streams import bare, named

Body = dict[str, Any]


class Refused(Exception):
    """A rule that a request broke."""


class CheckingVendor:
    """`async with CheckingVendor(dialect, steps)`; `url` is the server's."""

    def __init__(self, api: str, steps: int, calls: int = 2) -> None:
        self.steps, self.calls = steps, calls
        self.bodies: list[Body] = []
        self.refused: list[str] = []
        self._check, self._answer = APIS[api]

    async def __aenter__(self) -> CheckingVendor:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                status, kind, said = self._said(body)
                writer.write(
                    f"HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\n"
                    f"content-length: {len(said)}\r\n\r\n".encode()
                )
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _said(self, body: Body) -> tuple[int, str, bytes]:
        step = len(self.bodies)
        self.bodies.append(body)
        try:
            self._check(body)
        except Refused as error:
            self.refused.append(str(error))
            said = {"type": "error", "error": {"type": "invalid_request_error", "message": ""}}
            return 400, "application/json", json.dumps(said).encode()
        calls = self.calls if step < self.steps else 0
        return 200, "text/event-stream", self._answer(step, calls)


def must(rule: str, holds: object) -> None:
    if not holds:
        raise Refused(rule)


def check_messages(body: Body) -> None:
    """https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking and tool-use."""
    messages = body["messages"]
    roles = [message["role"] for message in messages]
    must("begins with the user", roles[0] == "user")
    blocks = [message["content"] for message in messages]
    blocks = [[{"type": "text", "text": it}] if isinstance(it, str) else it for it in blocks]
    for content, after in zip(blocks, [*blocks[1:], []], strict=True):
        must("no empty message", content)
        must("no blank text", all(it["text"].strip() for it in content if it["type"] == "text"))
        called = [it["id"] for it in content if it["type"] == "tool_use"]
        results = [it["tool_use_id"] for it in after if it["type"] == "tool_result"]
        must("a result for every call, right behind it", sorted(called) == sorted(results))
        kinds = [it["type"] for it in after]
        must("results before text", kinds[: len(results)] == ["tool_result"] * len(results))
        must("tools are defined", not called or body.get("tools"))
        must("input is an object", all(isinstance(it.get("input", {}), dict) for it in content))
    if body.get("thinking", {}).get("type") == "enabled":
        for message, content in zip(messages, blocks, strict=True):
            if message["role"] == "assistant" and any(it["type"] == "tool_use" for it in content):
                kind = content[0]["type"]
                must("a thought before the calls", kind in ("thinking", "redacted_thinking"))
    for it in (it for content in blocks for it in content):
        if it["type"] == "thinking":
            must("a thought is unchanged", it["signature"] == signature(it["thinking"]))


def signature(thought: str) -> str:
    return f"sig({thought})"


def say_message(step: int, calls: int) -> bytes:
    """Interleaved: a thought, a hidden one, text, then the calls side by side."""
    thought, half = f"Step {step}. é", len(f"Step {step}") // 2
    events: list[Body] = [{"type": "message_start", "message": {"usage": {"input_tokens": 9}}}]

    def block(index: int, start: Body, *deltas: Body) -> None:
        at = {"index": index}
        events.append({"type": "content_block_start", **at, "content_block": start})
        events.extend({"type": "content_block_delta", **at, "delta": it} for it in deltas)
        events.append({"type": "content_block_stop", **at})

    block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": thought[:half]},
        {"type": "thinking_delta", "thinking": thought[half:]},
        {"type": "signature_delta", "signature": signature(thought)},
    )
    block(1, {"type": "redacted_thinking", "data": f"data{step}"})
    block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": f"Text {step}."})
    for number in range(calls):
        use = {"type": "tool_use", "id": f"toolu_{step}_{number}", "name": "add", "input": {}}
        parts = ('{"a": ', f"{step}", "}")
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", *parts)]
        block(3 + number, use, *deltas)
    reason = "tool_use" if calls else "end_turn"
    usage = {"output_tokens": 10}
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage})
    return b"".join(map(named, [*events, {"type": "message_stop"}]))


def check_responses(body: Body) -> None:
    """https://platform.openai.com/docs/guides/reasoning: thoughts of answers that are not stored
    go back encrypted, each with what followed it."""
    items = body["input"]
    called = [it["call_id"] for it in items if it.get("type") == "function_call"]
    results = [it["call_id"] for it in items if it.get("type") == "function_call_output"]
    must("one result for every call", sorted(called) == sorted(results))
    must("each call once", len(set(called)) == len(called))
    must("ids of 64 at most", all(len(call_id) <= 64 for call_id in called))
    must("not strict", all(it["strict"] is False for it in body.get("tools", [])))
    stored = body.get("store", True)
    for item, after in zip(items, [*items[1:], {}], strict=True):
        if item.get("type") == "reasoning":
            must("a thought with its following item", after.get("type") != "function_call_output")
            must("a thought with its following item", after and after.get("role") != "user")
            must("item is not persisted", stored or item.get("encrypted_content"))
    for number, item in enumerate(items):
        if str(item.get("id", "")).startswith("fc_") and not stored:
            before = items[:number]
            last = [it for it in before if it.get("type") != "function_call"][-1:]
            kinds = [it.get("type") for it in last]
            must("a call with its thought", kinds == ["reasoning"] or kinds == ["message"])


def say_response(step: int, calls: int) -> bytes:
    events: list[Body] = []
    output: list[Body] = []

    def item(item: Body, *deltas: Body) -> None:
        at = {"output_index": len(output)}
        events.append({"type": "response.output_item.added", **at, "item": {**item}})
        events.extend({**it, **at} for it in deltas)
        output.append(item)
        events.append({"type": "response.output_item.done", **at, "item": item})

    thought = {"type": "reasoning", "id": f"rs_{step}", "summary": []}
    item(thought | {"encrypted_content": f"gAAA{step}"})
    for number in range(calls):
        call_id, arguments = f"call_{step}_{number}", f'{{"a": {step}}}'
        call = {"type": "function_call", "id": f"fc_{step}_{number}", "call_id": call_id}
        call |= {"name": "add", "arguments": arguments, "status": "completed"}
        delta = {"type": "response.function_call_arguments.delta", "delta": arguments}
        item(call, delta)
    if not calls:
        text = {"type": "response.output_text.delta", "delta": "Done."}
        item({"type": "message", "id": "msg", "role": "assistant", "content": []}, text)
    response = {"status": "completed", "output": output, "usage": {"input_tokens": 9}}
    return b"".join(map(named, [*events, {"type": "response.completed", "response": response}]))


def check_chat(body: Body) -> None:
    """https://platform.openai.com/docs/guides/function-calling, and DeepSeek's thinking mode."""
    messages, waiting = body["messages"], []
    for message in messages:
        if message["role"] == "tool":
            must("a result of a call before it", message["tool_call_id"] in waiting)
            waiting.remove(message["tool_call_id"])
            continue
        must("results right behind their calls", not waiting)
        waiting = [call["id"] for call in message.get("tool_calls", [])]
        if waiting:
            must("the thought goes back", message.get("reasoning_content", "").startswith("Step"))
            signed = [it.get("extra_content") for it in message["tool_calls"]]
            must("the first call's signature", signed[0] == {"google": {"thought_signature": "s"}})
        else:
            must("some content", message["content"])
    must("a result for every call", not waiting)


def say_chat(step: int, calls: int) -> bytes:
    def choice(delta: Body, reason: str | None = None) -> Body:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    events = [choice({"reasoning_content": "Step"}), choice({"reasoning_content": f" {step}"})]
    for number in range(calls):
        call: Body = {"index": number, "id": f"call_{step}_{number}", "type": "function"}
        call["function"] = {"name": "add", "arguments": '{"a":'}
        call |= {} if number else {"extra_content": {"google": {"thought_signature": "s"}}}
        rest = {"index": number, "function": {"arguments": f" {step}}}"}}
        events += [choice({"tool_calls": [call]}), choice({"tool_calls": [rest]})]
    events.append(choice({} if calls else {"content": "Done."}, "tool_calls" if calls else "stop"))
    return b"".join(map(bare, events)) + b"data: [DONE]\n\n"


Check = Callable[[Body], None]
Say = Callable[[int, int], bytes]
APIS: dict[str, tuple[Check, Say]] = {
    "anthropic": (check_messages, say_message),
    "openai": (check_responses, say_response),
    "openai-chat": (check_chat, say_chat),
}
