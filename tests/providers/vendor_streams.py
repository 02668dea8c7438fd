"""Streams as the vendors document them, to the byte."""

from __future__ import annotations

import json
from typing import Any

SAID = "Grüße, wörld 🌍!"
PARTS = ("Grüße", ", wörld ", "🌍", "!")


def named(*events: dict[str, Any]) -> bytes:
    """Events with their type in an `event:` line too, as OpenAI's Responses and Anthropic do."""
    return b"".join(f"event: {event['type']}\n".encode() + bare(event) for event in events)


def bare(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n" for event in events
    )


# https://platform.openai.com/docs/api-reference/responses-streaming
AT = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
THOUGHT_AT = {"item_id": "rs_1", "output_index": 0}


def response(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": status, "output": [], **more}


RESPONSES_BEGIN = named(
    {"type": "response.created", "response": response("in_progress")},
    {"type": "response.in_progress", "response": response("in_progress")},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"id": "rs_1", "type": "reasoning", "summary": []},
    },
    *(
        {"type": "response.reasoning_summary_text.delta", **THOUGHT_AT, **part}
        for part in (
            {"summary_index": 0, "delta": "Greet"},
            {"summary_index": 0, "delta": " back."},
            {"summary_index": 1, "delta": "In German."},
        )
    ),
    {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {"id": "rs_1", "type": "reasoning"},
    },
    {
        "type": "response.output_item.added",
        "output_index": 1,
        "item": {"id": "msg_1", "type": "message", "role": "assistant", "content": []},
    },
    {
        "type": "response.content_part.added",
        **AT,
        "part": {"type": "output_text", "text": "", "annotations": []},
    },
    *(
        {"type": "response.output_text.delta", **AT, "delta": part, "sequence_number": number}
        for number, part in enumerate(PARTS)
    ),
)
RESPONSES_END = named(
    {"type": "response.output_text.done", **AT, "text": SAID},
    {"type": "response.content_part.done", **AT, "part": {"type": "output_text", "text": SAID}},
    {
        "type": "response.output_item.done",
        "output_index": 1,
        "item": {"id": "msg_1", "type": "message"},
    },
    {
        "type": "response.completed",
        "response": response(
            "completed",
            usage={
                "input_tokens": 36,
                "input_tokens_details": {"cached_tokens": 4},
                "output_tokens": 87,
                "output_tokens_details": {"reasoning_tokens": 12},
                "total_tokens": 123,
            },
        ),
    },
)

# https://platform.openai.com/docs/api-reference/chat-streaming


def completion(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1694268190,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}],
    }


CHAT_BEGIN = bare(
    completion({"role": "assistant", "content": "", "refusal": None}),
    completion({"reasoning_content": "Greet"}),
    completion({"reasoning_content": " back.\n\nIn German."}),
    *(completion({"content": part}) for part in PARTS),
)
CHAT_END = (
    bare(
        completion({}, "stop"),
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "choices": [],
            "usage": {
                "prompt_tokens": 36,
                "completion_tokens": 87,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 12},
            },
        },
    )
    + b"data: [DONE]\n\n"
)

# https://docs.anthropic.com/en/api/messages-streaming
MESSAGES_BEGIN = named(
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": "m",
            "stop_reason": None,
            "usage": {
                "input_tokens": 30,
                "cache_creation_input_tokens": 2,
                "cache_read_input_tokens": 4,
                "output_tokens": 1,
            },
        },
    },
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "thinking", "thinking": ""},
    },
    {"type": "ping"},
    *(
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": text},
        }
        for text in ("Greet", " back.\n\nIn German.")
    ),
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "signature_delta", "signature": "EqQBCgIYAhIM"},
    },
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    *(
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "text_delta", "text": part},
        }
        for part in PARTS
    ),
)
MESSAGES_END = named(
    {"type": "content_block_stop", "index": 1},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 87},
    },
    {"type": "message_stop"},
)
