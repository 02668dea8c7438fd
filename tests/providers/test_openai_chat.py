"""Chat Completions: what only this API and the servers that imitate it have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.providers import openai_chat
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
from streams.providers.openai_chat import ChatCompletion, OpenAIChat
from streams.providers.sse_parser import DONE
from tests.providers.vendor_streams import completion

# Pieces of text that are not read as they stand: tags, code, quotes, halves of a character.
PIECES = (
    "Hi ",
    "é",
    "",
    "\n",
    "`",
    "```\n",
    '"',
    "<",
    "<think>",
    "</think>",
    "</thi",
    "\ud83c",
    "\udf0d",
)
DELTAS = [
    *({"content": piece} for piece in PIECES),
    *({"content": piece, "role": "assistant"} for piece in PIECES),
    *({"reasoning_content": "Hm "}, {"refusal": "No."}, {"content": None}, {}),
]


def read(*events: dict[str, Any]) -> list[ProviderEvent]:
    reader = ChatCompletion()
    return [out for event in events for out in reader.read(event) or []]


def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": more.pop("name")} if "name" in more else {})}
    return completion({"tool_calls": [{"index": index, "function": function, **more}]})


@pytest.mark.parametrize("missing", [None, "", "null", "None"])
def test_a_reason_that_says_it_is_none_ends_nothing(missing: str | None) -> None:
    assert read(
        completion({"content": "It "}, missing),
        completion({"content": "rains."}, missing),
        completion({}, "stop"),
        DONE,
    ) == [
        BlockStarted(0, Kind.TEXT),
        BlockDelta(0, "It "),
        BlockDelta(0, "rains."),
        BlockEnded(0),
        Finished("end_turn"),
    ]


def test_tool_calls_are_blocks_with_their_names_and_arguments() -> None:
    assert read(
        completion({"content": "Let me look."}),
        call(0, "", id="call_1", type="function", name="get_weather"),
        call(0, '{"city":'),
        call(0, '"Kiel"}'),
        call(1, "{}", id="call_2", type="function", name="get_time"),
        completion({}, "tool_calls"),
        DONE,
    ) == [
        BlockStarted(0, Kind.TEXT),
        BlockDelta(0, "Let me look."),
        BlockEnded(0),
        BlockStarted(1, Kind.TOOL_CALL, "get_weather", "call_1"),
        BlockDelta(1, '{"city":'),
        BlockDelta(1, '"Kiel"}'),
        BlockStarted(2, Kind.TOOL_CALL, "get_time", "call_2"),
        BlockDelta(2, "{}"),
        BlockEnded(1),
        BlockEnded(2),
        Finished("tool_call"),
    ]


def test_tool_calls_that_grow_side_by_side_are_two_blocks() -> None:
    assert read(
        call(0, "", id="call_1", name="get_weather"),
        call(1, "", id="call_2", name="get_time"),
        call(0, '{"city":'),
        call(1, "{}"),
        call(0, '"Kiel"}'),
        completion({}, "tool_calls"),
        DONE,
    ) == [
        BlockStarted(0, Kind.TOOL_CALL, "get_weather", "call_1"),
        BlockStarted(1, Kind.TOOL_CALL, "get_time", "call_2"),
        BlockDelta(0, '{"city":'),
        BlockDelta(1, "{}"),
        BlockDelta(0, '"Kiel"}'),
        BlockEnded(0),
        BlockEnded(1),
        Finished("tool_call"),
    ]


def test_calls_that_all_have_the_index_0_are_told_apart_by_their_ids() -> None:
    assert read(
        call(0, '{"a":', id="call_1", name="first"),
        call(0, "1}", id="call_1"),
        call(0, "{}", id="call_2", name="second"),
        completion({}, "tool_calls"),
        DONE,
    ) == [
        BlockStarted(0, Kind.TOOL_CALL, "first", "call_1"),
        BlockDelta(0, '{"a":'),
        BlockDelta(0, "1}"),
        BlockEnded(0),
        BlockStarted(1, Kind.TOOL_CALL, "second", "call_2"),
        BlockDelta(1, "{}"),
        BlockEnded(1),
        Finished("tool_call"),
    ]


def test_a_thought_may_have_either_name_but_counts_once() -> None:
    both = completion({"reasoning": "Hm.", "reasoning_content": "Hm."})
    for delta in (both, completion({"reasoning": "Hm."})):
        assert read(delta)[1] == BlockDelta(0, "Hm.")
        assert len(read(delta)) == 2


def test_a_refusal_is_a_block_and_a_reason() -> None:
    events = read(completion({"refusal": "No."}), completion({}, "stop"), DONE)
    assert events[0] == BlockStarted(0, Kind.REFUSAL)
    assert events[-1] == Finished("refusal")


@pytest.mark.parametrize(
    ("reason", "stop_reason"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "content_filter"),
        ("function_call", "tool_call"),
        ("eos", "end_turn"),
        ("MAX_TOKENS", "max_tokens"),
        ("SAFETY", "content_filter"),
        ("insufficient_system_resource", "interrupted"),
        ("moon_phase", "moon_phase"),
        ("two words", "unknown"),
        (7, "unknown"),
    ],
)
def test_the_reason_to_stop_is_one_of_ours_or_the_vendors_word(
    reason: object, stop_reason: str
) -> None:
    assert read(completion({"content": "x"}, reason), DONE)[-1] == Finished(stop_reason)


def test_a_body_may_end_without_done_once_it_gave_a_reason() -> None:
    reader = ChatCompletion()
    reader.read(completion({"content": "x"}))
    assert reader.end() == []
    reader.read(completion({}, "stop"))
    assert reader.end() == [Finished("end_turn")]


@pytest.mark.parametrize(
    ("base_url", "name"),
    [("", "max_completion_tokens"), ("http://127.0.0.1:9/v1", "max_tokens")],
)
def test_the_limit_has_the_name_the_server_knows(base_url: str, name: str) -> None:
    assert OpenAIChat("sk-test", base_url)._limit == name


@pytest.mark.parametrize(
    "event",
    [
        {**completion({"content": ""}, "error"), "error": {"code": 502, "message": "down"}},
        completion({}, "error"),
        completion({}, "network_error"),
    ],
    ids=["OpenRouter's, with choices beside it", "a reason alone", "Zhipu's"],
)
def test_a_failure_in_mid_answer_is_no_end_of_it(event: dict[str, Any]) -> None:
    with pytest.raises(ProviderError) as caught:
        read(completion({"content": "Hel"}), event, DONE)
    assert caught.value.code is Code.UNAVAILABLE


def test_done_alone_is_no_answer() -> None:
    assert read(DONE) == []


def test_content_may_be_a_list_of_parts_with_thoughts_among_them() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    said = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    assert read(completion({"content": [thought]}), completion({"content": said})) == [
        BlockStarted(0, Kind.REASONING),
        BlockDelta(0, "Hm."),
        BlockEnded(0),
        BlockStarted(1, Kind.TEXT),
        BlockDelta(1, "Hel"),
        BlockDelta(1, "lo"),
    ]


def test_a_second_choice_that_nobody_asked_for_is_not_mixed_in() -> None:
    other = completion({"content": "No."})
    other["choices"][0]["index"] = 1
    assert read(completion({"content": "Yes."}), other) == [
        BlockStarted(0, Kind.TEXT),
        BlockDelta(0, "Yes."),
    ]


@given(st.lists(st.sampled_from(DELTAS), max_size=20))
def test_text_alone_is_read_as_any_other_event(deltas: list[dict[str, Any]]) -> None:
    events = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    short, long = ChatCompletion(), ChatCompletion()
    for event in events:
        with pytest.MonkeyPatch.context() as without:
            without.setattr(openai_chat, "plain_text", lambda event: "")
            expected = long.read(event)
        assert short.read(event) == expected
    assert short._finish() == long._finish()
