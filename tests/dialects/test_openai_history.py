"""Histories with calls, as OpenAI's two protocols write them: both are read as the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.dialects.openai_history import items_in, messages_in
from streams.dialects.openai_input import conversed
from streams.exceptions import Invalid, StreamsError
from streams.log import file_references
from streams.providers.base import Call, Result
from streams.worker.agent_runs import agent_context
from streams.worker.continued_run import Standing
from tests.complexity import growth, is_linear

TEXT = st.text("ab \n", max_size=3)
SAID = st.text("ab", min_size=1, max_size=3)
CALL = st.fixed_dictionaries(
    {"name": st.sampled_from(["look", "go_2"]), "arguments": st.just("{}"), "result": TEXT}
)
# An assistant's message: what it says, and what it calls.
MESSAGE = st.tuples(SAID, st.lists(CALL, max_size=3)) | st.tuples(
    st.just(""), st.lists(CALL, min_size=1, max_size=3)
)
EXCHANGES = st.lists(st.tuples(SAID, st.lists(MESSAGE, max_size=3)), min_size=1, max_size=3)


def numbered(exchanges):
    """The same with ids of calls, of which some come again in later messages."""
    return [
        (prompt, [
            (text, [{**call, "call_id": f"call_{n}_{at}"} for at, call in enumerate(calls)])
            for n, (text, calls) in enumerate(messages)
        ])
        for prompt, messages in exchanges
    ]  # fmt: skip


def as_messages(exchanges):
    for prompt, messages in exchanges:
        yield {"role": "user", "content": prompt}
        for text, calls in messages:
            made = [
                {"id": each["call_id"], "type": "function",
                 "function": {"name": each["name"], "arguments": each["arguments"]}}
                for each in calls
            ]  # fmt: skip
            called = {"tool_calls": made} if made else {}
            yield {"role": "assistant", "content": text or None, **called}
            for each in reversed(calls):
                id = {"tool_call_id": each["call_id"]}
                yield {"role": "tool", "content": [{"type": "text", "text": each["result"]}], **id}


def as_items(exchanges):
    for prompt, messages in exchanges:
        yield {"role": "user", "content": prompt}
        for text, calls in messages:
            yield {"type": "reasoning", "summary": []}
            if text:
                yield {"role": "assistant", "content": text}
            for each in calls:
                known = {name: each[name] for name in ("call_id", "name", "arguments")}
                yield {"type": "function_call", **known}
            for each in reversed(calls):
                output = {"call_id": each["call_id"], "output": each["result"]}
                yield {"type": "function_call_output", **output}


def told(said, beside=None):
    """The turns of a model that is asked with this history."""
    history = [[file_references.said(each.text, (), each.calls), None, None, each.role, None, None]
               for each in said]  # fmt: skip
    history[-1][4] = beside
    return agent_context.turns(json.dumps(history), {}, Standing())


@given(EXCHANGES)
@settings(max_examples=60, deadline=None)
def test_both_protocols_say_the_same_and_every_call_has_its_result(exchanges):
    exchanges = numbered(exchanges)
    said = messages_in([*as_messages(exchanges)], "messages").said
    ends = exchanges[-1][1]
    results = items_in([*as_items(exchanges)], "input").results()
    assert [*results] == [(c["call_id"], c["result"]) for _, calls in ends for c in calls]
    if ends and not ends[-1][1]:
        with pytest.raises(Invalid):
            conversed(said, "messages")
        return
    read = conversed(said, "messages")
    turns = told([*read.before, read.prompt], read.kept)
    assert [turn.role for turn in turns] == (["user", "assistant"] * 99)[: len(turns)]
    assert turns[-1].role == "user"
    called, given = parts(turns, Call), parts(turns, Result)
    wanted = [call for _, messages in exchanges for _, calls in messages for call in calls]
    assert [(it.call_id, it.name) for it in called] == [(c["call_id"], c["name"]) for c in wanted]
    assert [(it.call_id, it.text) for it in given] == [(c["call_id"], c["result"]) for c in wanted]
    alone = [turn for turn in turns if any(isinstance(part, Call) for part in turn.parts)]
    for turn in alone:
        ids = [part.call_id for part in turn.parts if isinstance(part, Call)]
        behind = turns[turns.index(turn) + 1].parts[: len(ids)]
        assert [part.call_id for part in behind] == ids
    if all(calls or n == len(messages) - 1 for _, messages in exchanges
           for n, (_, calls) in enumerate(messages)):  # fmt: skip
        assert items_in([*as_items(exchanges)], "input").said == said


def parts(turns, kind):
    return [part for turn in turns for part in turn.parts if isinstance(part, kind)]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "user", "tool", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["role", "type", "content", "tool_calls", "tool_call_id", "call_id", "name",
                         "arguments", "output", "function", "id", "text"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
KINDS = ["function_call", "function_call_output", "message", "reasoning", "item_reference"]
ITEM = ODD | st.fixed_dictionaries(
    {}, optional={
        "type": st.sampled_from(KINDS) | ODD,
        "role": st.sampled_from(["user", "assistant", "tool", "function", "system"]) | ODD,
        "content": ODD, "call_id": SAID | ODD, "name": SAID | ODD, "arguments": SAID | ODD,
        "output": SAID | ODD, "tool_call_id": SAID | ODD, "tool_calls": ODD,
    },
)  # fmt: skip


@given(st.lists(ITEM, max_size=6) | ODD)
@settings(max_examples=150, deadline=None)
def test_whatever_is_sent_is_read_or_refused_in_words(given):
    assert {refused(read, given) for read in (items_in, messages_in)} <= {"", "messages"}


def refused(read, given):
    """The field that is named, "" where nothing is wrong."""
    try:
        history = read(given, "messages")
        history.results()
        conversed(history.said, "messages")
    except StreamsError as error:
        return error.field
    return ""


CALLED = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
ASKS = {"role": "assistant", "content": None, "tool_calls": [CALLED]}
GIVES = {"role": "tool", "tool_call_id": "a", "content": "so"}
HI = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([HI, ASKS], "No tool output found for function call a"),
        ([HI, ASKS, HI], "No tool output found"),
        ([HI, GIVES], "No tool call found"),
        ([HI, ASKS, GIVES, GIVES], "No tool call found"),
        ([HI, ASKS, HI, GIVES], "No tool output found"),
        ([HI, {**ASKS, "tool_calls": [CALLED, CALLED]}, GIVES], "Two calls have the id a"),
        ([HI, {**ASKS, "tool_calls": [{**CALLED, "id": f"{n}"} for n in range(129)]}], "most 128"),
        ([HI, {**ASKS, "tool_calls": [{**CALLED, "id": "a" * 201}]}], "id of a call"),
        ([HI, {**ASKS, "tool_calls": [{"id": "a", "type": "custom"}]}], "name of its function"),
        ([HI, {**ASKS, "tool_calls": {"x": "y"}}], "name of its function"),
        ([HI, {"role": "function", "name": "look", "content": "so"}], "role tool"),
        ([HI, {"role": "assistant", "function_call": {"name": "look"}}], "tool_calls"),
        ([HI, {"role": "assistant", "content": [{"type": "audio"}]}], "A part is text"),
    ],
)
def test_openais_words_for_what_does_not_fit(messages, words):
    with pytest.raises(Invalid, match=words):
        messages_in(messages, "messages")


@pytest.mark.parametrize("write", [as_messages, as_items])
def test_a_history_takes_time_in_proportion(write):
    def make(size):
        called = {"name": "look", "arguments": "{}", "result": "x"}
        return [*write(numbered([("Hi", [("So", [called])] * 3)] * size))]

    read = messages_in if write is as_messages else items_in
    assert is_linear(growth(lambda given: read(given, "m").results(), make, 2000))
