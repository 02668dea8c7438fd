"""Any JSON value at any place of a vendor's events leads to typed and bounded values of ours."""

from __future__ import annotations

import copy
import json
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
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
from streams.providers.openai_chat import ChatCompletion
from streams.providers.payload import CALL_ID, NAME
from streams.providers.scripted import Scripted
from streams.providers.sse_parser import Frames
from streams.providers.streaming_request import Reading
from tests.providers.http_adapters import Dialect
from tests.providers.vendor_streams import bare, completion, named

HOSTILE = (
    *(None, True, False, 0, -1, 7, 1.5, 1e308, 2**63, "", "x", "7", "\x00", "[DONE]"),
    *([], [None], [[]], ["x"], [{}], {}, {"text": {}}, {"type": []}, "x" * (CALL_ID + 1)),
)
CALLS = {
    "openai": named(
        {
            "type": "response.output_item.added",
            "output_index": 2,
            "item": {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look"},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
    ),
    "anthropic": named(
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {"type": "tool_use", "id": "call_1", "name": "look", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 2,
            "delta": {"type": "input_json_delta", "partial_json": "{}"},
        },
    ),
}
CHAT_CALL = bare(
    completion(
        {
            "tool_calls": [
                {"index": 0, "id": "call_1", "function": {"name": "look", "arguments": "{}"}},
            ]
        }
    )
)


def events_of(dialect: Dialect) -> list[dict[str, Any]]:
    body = dialect.begin + CALLS.get(dialect.name, CHAT_CALL) + dialect.end
    frames = [frame for frame in Frames().feed(body) if frame != b"[DONE]"]
    return [json.loads(frame) for frame in frames]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a JSON document, itself included."""
    yield path
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, each in inner:
        yield from places(each, (*path, key))


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def heard(dialect: Dialect, events: list[Any]) -> list[ProviderEvent]:
    """Our events up to the end of theirs, or up to a failure of a kind the contract knows."""
    reading, ours = Reading(Scripted(), dialect.reader()), []
    with suppress(ProviderError):
        for event in events:
            ours += reading.read(json.dumps(event).encode())
        ours += reading.read(b"[DONE]")
        if not any(isinstance(event, Finished) for event in ours):
            ours += reading.end()
    return ours


def assert_typed(events: list[ProviderEvent]) -> None:
    started, open_ = 0, set()
    for event in events:
        match event:
            case BlockStarted(index=index):
                assert index == started
                assert type(event.kind) is Kind
                assert type(event.name) is type(event.call_id) is str
                assert len(event.name) <= NAME
                assert len(event.call_id) <= CALL_ID
                started += 1
                open_.add(index)
            case BlockDelta(index=index):
                assert index in open_
                assert type(event.text) is str
            case BlockEnded(index=index):
                open_.remove(index)
            case Finished():
                assert not open_
                assert type(event.stop_reason) is str
                assert 0 < len(event.stop_reason) <= 32
                assert all(
                    type(each) is int and 0 <= each <= 2**54 for each in event.usage.values()
                )
                json.dumps(event.usage)


def test_any_value_in_any_place_is_typed_or_left_out(dialect: Dialect) -> None:
    events, tried, whole = events_of(dialect), 0, 0
    for at, event in enumerate(events):
        for path in places(event):
            for value in HOSTILE:
                changed = [*events[:at], with_value(event, path, value), *events[at + 1 :]]
                ours = heard(dialect, changed)
                assert_typed(ours)
                tried += 1
                whole += any(isinstance(each, Finished) for each in ours)
    assert tried > 1000
    assert whole > tried * 0.9, "one odd event costs no answer"


@pytest.mark.parametrize(
    "usage",
    [
        *("a lot", 7, [], None),
        {"prompt_tokens": "many", "input_tokens": {}, "output_tokens": [1]},
        {"input_tokens": -1, "prompt_tokens": -1, "completion_tokens": -1},
        {"completion_tokens_details": "x", "output_tokens_details": 3, "output_tokens": 10**18},
    ],
    ids=str,
)
def test_a_usage_of_another_kind_is_left_out(dialect: Dialect, usage: Any) -> None:
    events = events_of(dialect)
    for event in events:
        for holder in (event, event.get("response", {}), event.get("message", {})):
            if "usage" in holder:
                holder["usage"] = usage
    ours = heard(dialect, events)
    assert isinstance(ours[-1], Finished)
    assert set(ours[-1].usage.values()) <= {0}


def test_a_whole_number_written_as_a_fraction_is_a_count() -> None:
    reader = ChatCompletion()
    reader.read({"choices": [], "usage": {"prompt_tokens": 7.0, "completion_tokens": 3}})
    reader.read(completion({"content": "x"}, "stop"))
    assert reader.end()[-1] == Finished("end_turn", {"input_tokens": 7, "output_tokens": 3})


@pytest.mark.parametrize("value", ["look", "call_1"])
def test_a_name_past_any_reason_is_a_protocol_error(dialect: Dialect, value: str) -> None:
    given = CALLS.get(dialect.name, CHAT_CALL)
    long = given.replace(f'"{value}"'.encode(), b'"' + b"x" * 15_000_000 + b'"')
    reading = Reading(Scripted(), dialect.reader())
    with pytest.raises(ProviderError) as caught:
        deque(map(reading.read, Frames().feed(long)))
    assert caught.value.code is Code.PROTOCOL
    assert "15000000" in caught.value.why
