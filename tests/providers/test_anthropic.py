"""Messages: what only this API has."""

from __future__ import annotations

from typing import Any

import pytest

from streams.providers.anthropic import Message
from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Finished,
    Kind,
    ProviderEvent,
)

STOP = {"type": "message_stop"}


def read(*events: dict[str, Any]) -> list[ProviderEvent]:
    reader = Message()
    return [out for event in events for out in reader.read(event) or []]


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ending(reason: object, **usage: int | None) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def finished(reason: str) -> Finished:
    return Finished(reason, {"input_tokens": 0, "output_tokens": 0})


def test_a_tool_use_is_a_block_with_its_name_and_input() -> None:
    assert read(
        start(0, type="tool_use", id="toolu_1", name="get_weather", input={}),
        delta(0, type="input_json_delta", partial_json=""),
        delta(0, type="input_json_delta", partial_json='{"city": "Kiel"}'),
        stop(0),
        ending("tool_use"),
        STOP,
    ) == [
        BlockStarted(0, Kind.TOOL_CALL, "get_weather", "toolu_1"),
        BlockDelta(0, '{"city": "Kiel"}'),
        BlockEnded(0),
        finished("tool_call"),
    ]


def test_blocks_of_a_kind_we_do_not_show_leave_no_gap_in_the_numbers() -> None:
    assert read(
        start(0, type="redacted_thinking", data="EmwKAhgB"),
        stop(0),
        start(1, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        delta(1, type="input_json_delta", partial_json="{}"),
        stop(1),
        start(2, type="text", text="Here"),
        delta(2, type="citations_delta", citation={}),
        delta(2, type="text_delta", text="."),
        stop(2),
        STOP,
    ) == [
        BlockStarted(0, Kind.TEXT),
        BlockDelta(0, "Here"),
        BlockDelta(0, "."),
        BlockEnded(0),
        finished("stop"),
    ]


@pytest.mark.parametrize(
    ("reason", "stop_reason"),
    [
        ("end_turn", "end_turn"),
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "max_tokens"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_call"),
        ("pause_turn", "pause_turn"),
        ("compaction", "compaction"),
        ("refusal", "refusal"),
        (None, "stop"),
        ({"why": 1}, "unknown"),
        ("w" * 33, "unknown"),
    ],
)
def test_the_reason_to_stop_is_one_of_ours_or_the_vendors_word(
    reason: object, stop_reason: str
) -> None:
    assert read(ending(reason), STOP) == [finished(stop_reason)]


def test_the_last_counts_are_totals_and_input_includes_the_cache() -> None:
    first = {"input_tokens": 30, "cache_read_input_tokens": 4, "output_tokens": 1}
    assert read(
        {"type": "message_start", "message": {"usage": first}},
        ending("end_turn", output_tokens=87, cache_creation_input_tokens=2, input_tokens=None),
        STOP,
    ) == [Finished("end_turn", {"input_tokens": 36, "output_tokens": 87, "cached_tokens": 4})]


def test_a_block_begun_twice_is_ended_once_each() -> None:
    call = start(0, type="tool_use", id="toolu_1", name="get_weather", input={})
    assert read(call, call, STOP) == [
        BlockStarted(0, Kind.TOOL_CALL, "get_weather", "toolu_1"),
        BlockEnded(0),
        BlockStarted(1, Kind.TOOL_CALL, "get_weather", "toolu_1"),
        BlockEnded(1),
        finished("stop"),
    ]


def test_a_thought_that_is_not_shown_is_no_block() -> None:
    signed = delta(0, type="signature_delta", signature="EqQBCgIYAhIM")
    assert read(start(0, type="thinking", thinking=""), signed, stop(0), STOP) == [finished("stop")]
