"""Events of the log in other protocols: steps, tools, take-overs and compaction."""

from __future__ import annotations

import json

import pytest
from ag_ui.core import Event
from pydantic import TypeAdapter

from streams.dialects.ag_ui.encoder import AGUIStream
from streams.dialects.ag_ui.frames import cursor_of
from streams.dialects.ai_sdk.encoder import UIMessageStream
from streams.exceptions import BadCursor
from streams.log.transcript import Row

EVENT = TypeAdapter(Event)
CALL = {"id": "c0ffee", "call_id": "call_1", "name": "weather", "block": 1}
TEXT = ("block.started", {"index": 0, "kind": "text"}), ("block.delta", {"index": 0, "text": "So"})
ASKS = (
    ("run.started", {"attempt": 1}),
    ("step.started", {"step": 1}),
    *TEXT,
    ("block.ended", {"index": 0}),
    ("block.started", {"index": 1, "kind": "tool_call", "name": "weather", "call_id": "call_1"}),
    ("block.delta", {"index": 1, "text": '{"city":'}),
    ("block.delta", {"index": 1, "text": '"Bern"}'}),
    ("block.ended", {"index": 1}),
    (
        "step.ended",
        {"step": 1, "usage": {"input_tokens": 3}, "stop_reason": "tool_call", "calls": [CALL]},
    ),
)
ANSWERS = (
    ("step.started", {"step": 2}),
    ("block.started", {"index": 2, "kind": "text"}),
    ("block.delta", {"index": 2, "text": "Rain."}),
    ("block.ended", {"index": 2}),
    (
        "step.ended",
        {"step": 2, "usage": {"input_tokens": 3}, "stop_reason": "end_turn", "calls": []},
    ),
    ("run.completed", {"stop_reason": "end_turn", "usage": {}}),
)
RUNS = ("tool.started", {"call_id": "call_1"})
OK = ("tool.ended", {"call_id": "call_1", "status": "ok", "result": "rain"})
WAITS = ("tool.waiting", {"call_id": "call_1", "id": "c0ffee", "client": False})
DENIED = ("tool.ended", {"call_id": "call_1", "status": "denied", "result": "No."})


def rows(*events):
    return [Row(seq, type, {"run": "r", **data}) for seq, (type, data) in enumerate(events, 1)]


def parts(*events, **options):
    encoder = UIMessageStream("m", **options)
    sent = encoder.begin() + b"".join(map(encoder.event, rows(*events)))
    frames = sent.decode().split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    return [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]


def events(*given, **options):
    encoder = AGUIStream(thread_id="t", run_id="r", message_id="m", **options)
    sent = encoder.begin() + b"".join(map(encoder.event, rows(*given)))
    frames = [frame.split("\ndata: ") for frame in sent.decode().split("\n\n")[:-1]]
    for _, data in frames:
        EVENT.validate_json(data)
    return [(id.removeprefix("id: "), json.loads(data)) for id, data in frames]


def types(found):
    return [each["type"] for each in found]


def test_an_ai_sdk_client_sees_a_tool_run():
    found = parts(*ASKS, RUNS, OK, *ANSWERS)
    assert types(found) == [
        "start", "start-step", "text-start", "text-delta", "text-end",
        "tool-input-start", "tool-input-delta", "tool-input-delta", "tool-input-available",
        "tool-output-available", "finish-step",
        "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish",
    ]  # fmt: skip
    ready, output = found[8], found[9]
    assert (ready["input"], ready["providerExecuted"]) == ({"city": "Bern"}, True)
    assert (output["toolCallId"], output["output"]) == (ready["toolCallId"], "rain")


def test_an_ai_sdk_client_is_asked_for_a_decision_and_sees_it_denied():
    found = parts(*ASKS, WAITS, DENIED, *ANSWERS)
    at = types(found).index("tool-approval-request")
    assert types(found)[at - 1 : at + 2] == [
        "tool-input-available",
        "tool-approval-request",
        "tool-output-denied",
    ]
    assert found[at]["approvalId"] == "c0ffee"


def test_a_wait_ends_the_ai_sdks_stream_unless_it_is_over():
    waits = ("run.waiting", {"attempt": 1})
    encoder = UIMessageStream("m")
    sent = b"".join(map(encoder.event, rows(*ASKS, WAITS, waits)))
    assert encoder.over
    assert sent.endswith(b"data: [DONE]\n\n")
    whole = (*ASKS, WAITS, waits, ("tool.decided", {"call_id": "call_1"}), RUNS, OK, *ANSWERS)
    found = parts(*whole, decided=len(ASKS) + 3)
    assert found[-1]["finishReason"] == "stop"


def test_a_tool_that_the_ai_sdk_client_runs_is_not_said_to_run_here():
    waits = ("tool.waiting", {"call_id": "call_1", "id": "c0ffee", "client": True})
    found = parts(*ASKS, waits, OK, *ANSWERS)
    ready = next(each for each in found if each["type"] == "tool-input-available")
    assert "providerExecuted" not in ready
    assert "tool-approval-request" not in types(found)


def test_a_call_that_nobody_runs_has_its_input_all_the_same():
    found = parts(*ASKS[:-1], ("run.completed", {"stop_reason": "tool_call", "usage": {}}))
    assert types(found)[-3:] == ["tool-input-available", "finish-step", "finish"]
    assert found[-1]["finishReason"] == "tool-calls"


def test_an_ai_sdk_client_that_goes_on_is_sent_what_came_since():
    found = parts(*ASKS, RUNS, OK, *ANSWERS, after=len(ASKS))
    assert types(found)[:3] == ["start", "tool-input-available", "tool-output-available"]


def test_an_agui_client_sees_a_tool_run():
    found = [event for _, event in events(*ASKS, RUNS, OK, *ANSWERS)]
    assert types(found) == [
        "RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT",
        "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_ARGS", "TOOL_CALL_END",
        "TEXT_MESSAGE_END", "TOOL_CALL_RESULT",
        "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED",
    ]  # fmt: skip
    assert found[3]["parentMessageId"] == found[1]["messageId"] == "m"
    assert found[9]["messageId"] != "m"


def test_an_attempt_that_was_lost_is_closed_and_another_has_its_own_ids():
    again = ("run.started", {"attempt": 2})
    end = ("run.completed", {"stop_reason": "end_turn", "usage": {}})
    given = (("run.started", {"attempt": 1}), *TEXT, again, *TEXT, end)
    found = parts(*given)
    starts = [each["id"] for each in found if each["type"] == "text-start"]
    ends = [each["id"] for each in found if each["type"] == "text-end"]
    assert (len(set(starts)), ends) == (2, starts)
    told = [event for _, event in events(*given)]
    opened = [each["messageId"] for each in told if each["type"] == "TEXT_MESSAGE_START"]
    closed = [each["messageId"] for each in told if each["type"] == "TEXT_MESSAGE_END"]
    assert (len(set(opened)), closed) == (2, opened)


@pytest.mark.parametrize("end", ["run.cancelled", "run.failed", "run.steered"])
def test_whatever_is_open_is_closed_at_every_end(end):
    ends = (end, {"code": "timeout", "message": "It took too long.", "device": {"name": "Phone"}})
    thought = ("block.started", {"index": 1, "kind": "reasoning"})
    given = (("run.started", {"attempt": 1}), *TEXT, thought, ends)
    last = {"run.cancelled": "abort", "run.failed": "error", "run.steered": "finish"}[end]
    closed = ["text-end", "reasoning-end", "finish-step"]
    assert types(parts(*given))[-4:] == [*closed, last]
    found = types([event for _, event in events(*given)])
    assert found[-4:-1] == ["REASONING_MESSAGE_END", "REASONING_END", "TEXT_MESSAGE_END"]


def test_a_run_taken_back_before_it_began_ends_in_both():
    cancelled = ("run.cancelled", {"device": None})
    assert types(parts(("run.queued", {}), cancelled)) == ["start", "abort"]
    found = [event for _, event in events(("run.queued", {}), cancelled)]
    assert types(found) == ["RUN_STARTED", "RUN_FINISHED"]


def test_agui_goes_on_behind_a_cursor_or_says_that_it_cannot():
    whole = events(*ASKS, RUNS, OK, *ANSWERS)
    for at, (id, _) in enumerate(whole):
        assert events(*ASKS, RUNS, OK, *ANSWERS, cursor=cursor_of(id)) == whole[at + 1 :]
    compacted = ("block.delta", {"index": 0, "text": "Solong", "from": 3})
    given = [*rows(("run.started", {"attempt": 1}), TEXT[0]), Row(9, compacted[0], compacted[1])]
    encoder = AGUIStream(thread_id="t", run_id="r", message_id="m", cursor=(5, 0))
    sent = b"".join(map(encoder.event, given))
    assert b"RUN_ERROR" in sent
    assert b"Solong" not in sent
    for wrong in ("x", "1", "1.2.3", "-1.0", "1.٣"):
        with pytest.raises(BadCursor):
            cursor_of(wrong)


def test_an_agui_run_that_waits_ends_with_what_is_still_to_be_decided():
    waits, names = ("run.waiting", {"attempt": 1}), {"name": "weather"}
    asked = ("tool.waiting", {"call_id": "call_1", "id": "c0ffee", "client": False, **names})
    *_, (_, end) = events(*ASKS, asked, waits)
    (interrupt,) = end["outcome"]["interrupts"]
    assert (interrupt["id"], interrupt["toolCallId"]) == ("c0ffee", "m:1.1")
    *_, (_, end) = events(*ASKS, asked, waits, answered={"c0ffee"})
    assert end["outcome"] == {"type": "success"}
    on_client = ("tool.waiting", {**asked[1], "client": True})
    *_, (_, end) = events(*ASKS, on_client, waits)
    assert end["outcome"] == {"type": "success"}
    decided = ("tool.decided", {"call_id": "call_1"})
    whole = (*ASKS, on_client, waits, decided, OK, *ANSWERS)
    at = len(ASKS) + 2
    found = types([event for _, event in events(*whole, decided=at, after=at)])
    assert found == [
        "RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ]  # fmt: skip
    assert "TOOL_CALL_RESULT" in types([event for _, event in events(*whole, decided=at)])


def test_a_client_that_goes_on_with_a_run_that_has_ended_is_told_the_end():
    asked = ("tool.waiting", {**WAITS[1], "name": "weather"})
    whole = (*ASKS, asked, ("run.waiting", {"attempt": 1}), RUNS, OK, *ANSWERS)
    at = len(whole)
    found = types([event for _, event in events(*whole, decided=at, after=at)])
    assert found == ["RUN_STARTED", "RUN_FINISHED"]
    assert types(parts(*whole, decided=at, after=at)) == ["start", "finish"]
    cut = (*whole[:-3], ("run.failed", {"message": "", "code": "timeout"}))
    at = len(cut)
    found = types([event for _, event in events(*cut, decided=at, after=at)])
    assert found == ["RUN_STARTED", "RUN_ERROR"]
    assert types(parts(*cut, decided=at, after=at)) == ["start", "error"]
