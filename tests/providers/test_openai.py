"""Responses: what only this API has."""

from __future__ import annotations

from typing import Any

import pytest

from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    Kind,
    ProviderError,
    ProviderEvent,
)
from streams.providers.openai import Responses
from tests.providers.vendor_streams import response

CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get_weather"}
AT = {"item_id": "fc_1", "output_index": 0}


def read(*events: dict[str, Any]) -> list[ProviderEvent]:
    reader = Responses()
    return [out for event in events for out in reader.read(event) or []]


def completed(status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": response(status, **more)}


def text(delta: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": 0, "delta": delta}


def test_a_function_call_is_a_block_with_its_name_and_arguments() -> None:
    assert read(
        {"type": "response.output_item.added", "output_index": 0, "item": CALL},
        {"type": "response.function_call_arguments.delta", **AT, "delta": '{"city":'},
        {"type": "response.function_call_arguments.delta", **AT, "delta": '"Kiel"}'},
        {"type": "response.function_call_arguments.done", **AT, "arguments": '{"city":"Kiel"}'},
        {"type": "response.output_item.done", "output_index": 0, "item": CALL},
        completed(),
    ) == [
        BlockStarted(0, Kind.TOOL_CALL, "get_weather", "call_1"),
        BlockDelta(0, '{"city":'),
        BlockDelta(0, '"Kiel"}'),
        BlockEnded(0),
        Finished("tool_call"),
    ]


def test_two_calls_at_once_grow_side_by_side() -> None:
    second = {**CALL, "id": "fc_2", "call_id": "call_2"}
    events = read(
        {"type": "response.output_item.added", "output_index": 0, "item": CALL},
        {"type": "response.output_item.added", "output_index": 1, "item": second},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "2"},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "1"},
        completed(),
    )
    assert BlockDelta(0, "1") in events
    assert BlockDelta(1, "2") in events
    assert events[-3:] == [BlockEnded(0), BlockEnded(1), Finished("tool_call")]


def test_a_part_sent_in_one_piece_is_not_lost() -> None:
    assert read(
        {"type": "response.output_text.done", "output_index": 0, "text": "All."}, completed()
    ) == [
        BlockStarted(0, Kind.TEXT),
        BlockDelta(0, "All."),
        BlockEnded(0),
        Finished("end_turn"),
    ]


def test_a_refusal_is_a_block_and_a_reason() -> None:
    assert read(
        {"type": "response.refusal.delta", "output_index": 0, "delta": "No."},
        {"type": "response.refusal.done", "output_index": 0, "refusal": "No."},
        completed(),
    ) == [
        BlockStarted(0, Kind.REFUSAL),
        BlockDelta(0, "No."),
        BlockEnded(0),
        Finished("refusal"),
    ]


@pytest.mark.parametrize(
    ("reason", "stop_reason"),
    [("max_output_tokens", "max_tokens"), ("content_filter", "content_filter"), ("new", "new")],
)
def test_an_incomplete_response_is_an_answer_with_its_reason(reason: str, stop_reason: str) -> None:
    end = completed("incomplete", incomplete_details={"reason": reason})
    assert read(text("Half"), end)[-2:] == [BlockEnded(0), Finished(stop_reason)]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (completed("failed", error={"code": "server_error", "message": ""}), Code.UNAVAILABLE),
        (completed("failed", error={"code": "rate_limit_exceeded"}), Code.RATE_LIMITED),
        (completed("failed", error={"code": "invalid_prompt"}), Code.CONTENT_FILTER),
        (completed("failed"), Code.UNAVAILABLE),
        ({"type": "error", "code": "context_length_exceeded"}, Code.CONTEXT_LENGTH),
        ({"type": "error", "code": None, "message": "?"}, Code.UNAVAILABLE),
    ],
)
def test_a_failed_response_is_a_failure(end: dict[str, Any], code: Code) -> None:
    with pytest.raises(ProviderError) as caught:
        read(text("Half"), end)
    assert caught.value.code is code
