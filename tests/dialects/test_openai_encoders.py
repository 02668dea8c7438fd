"""What the log's events become for OpenAI's clients, held against their own types."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from openai import omit
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response as OpenAIResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from streams.dialects.openai_chat.encoder import Completion, NoAnswer, PieceEncoder
from streams.dialects.openai_chat.encoder import WholeEncoder as WholeCompletion
from streams.dialects.openai_responses.encoder import Encoder, Extent, WholeEncoder
from streams.dialects.openai_responses.response import Response
from streams.log.transcript import Row

from .test_encoders import ANSWERS, ASKS, OK, RUNS, TEXT, WAITS

EVENT = TypeAdapter(ResponseStreamEvent)
RUN = "00000000-0000-4000-8000-000000000001"
START = ("run.started", {"attempt": 1})
AGAIN = ("run.started", {"attempt": 2})
MORE = ("block.delta", {"index": 0, "text": " it"}), ("block.delta", {"index": 0, "text": " is"})
END = ("block.ended", {"index": 0})
USAGE = {"input_tokens": 3, "output_tokens": 5, "cached_tokens": 1, "reasoning_tokens": 2}
DONE = ("run.completed", {"stop_reason": "end_turn", "usage": USAGE})
STOPPED = ("run.cancelled", {})
FAILED = ("run.failed", {"code": "overloaded", "message": "Busy.", "retryable": True})
THOUGHT = (
    ("block.started", {"index": 0, "kind": "reasoning"}),
    ("block.delta", {"index": 0, "text": "Hm"}),
    END,
    ("block.started", {"index": 1, "kind": "refusal"}),
    ("block.delta", {"index": 1, "text": "No"}),
    ("block.ended", {"index": 1}),
)
ENDINGS = (
    (DONE, "response.completed", "completed"),
    (STOPPED, "response.incomplete", "cancelled"),
    (FAILED, "response.failed", "failed"),
    (("run.steered", {"message": "m"}), "response.incomplete", "incomplete"),
)
LOGS = {
    "plain": (START, *TEXT, *MORE, END, DONE),
    "thought": (START, *THOUGHT, DONE),
    "stopped": (START, *TEXT, *MORE, END, STOPPED),
    "failed": (START, *TEXT, END, FAILED),
    "taken over": (START, *TEXT, *MORE, AGAIN, *TEXT, END, DONE),
    "stopped before": (STOPPED,),
    "tools": (*ASKS, RUNS, OK, *ANSWERS),
}


WAITS_FOR_CLIENT = ("tool.waiting", {"call_id": "call_1", "id": "c0ffee", "client": True})
ANSWERED = ("tool.decided", {"call_id": "call_1", "decision": "answered"})
BY_CLIENT = (
    *ASKS,
    WAITS_FOR_CLIENT,
    ("run.waiting", {}),
    ANSWERED,
    ("run.queued", {"message": "m"}),
    ("run.started", {"attempt": 2, "step": 2, "from_block": 2}),
    OK,
    *ANSWERS,
)


def rows(*events):
    return [Row(seq, type, {"run": RUN, **data}) for seq, (type, data) in enumerate(events, 1)]


def response():
    return Response(run=RUN, model="m", conversation=RUN, created_at=1)


def events(*given, after=-1):
    """Returns the events that a client is sent, each checked by its own types and read by its own
    state.
    """
    encoder = Encoder(response(), after)
    sent = encoder.begin() + b"".join(map(encoder.event, rows(*given)))
    frames = [frame.split("\ndata: ") for frame in sent.decode().split("\n\n")[:-1]]
    found = [json.loads(data) for _, data in frames]
    assert [name for name, _ in frames] == [f"event: {event['type']}" for event in found]
    state = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in found:
        typed = EVENT.validate_python(event)
        if after < 0:
            state.handle_event(typed)
    return found


def types(found):
    return [event["type"].removeprefix("response.") for event in found]


def of(found, type):
    return [event for event in found if event["type"] == f"response.{type}"]


def document(*given):
    encoder = WholeEncoder(response())
    sent = encoder.begin() + b"".join(map(encoder.event, rows(*given)))
    OpenAIResponse.model_validate_json(sent)
    return json.loads(sent)


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
def test_every_event_has_its_number_and_every_cursor_the_rest(log):
    whole = events(*log)
    assert [event["sequence_number"] for event in whole] == list(range(len(whole)))
    for cut in range(len(whole)):
        assert events(*log, after=cut) == whole[cut + 1 :]


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
def test_what_was_added_is_done_once_and_the_end_holds_what_stands(log):
    whole = events(*log)
    added = [event["item"]["id"] for event in of(whole, "output_item.added")]
    done = [event["item"]["id"] for event in of(whole, "output_item.done")]
    assert len(set(added)) == len(added)
    assert sorted(added) == sorted(done)
    last = whole[-1]["response"]
    assert last == document(*log)
    by_id = {event["item"]["id"]: event["item"] for event in of(whole, "output_item.done")}
    assert [by_id[item["id"]] for item in last["output"]] == last["output"]
    assert not any(event["response"]["output"] for event in whole[:-1] if "response" in event)


def test_the_order_is_openais():
    assert types(events(*LOGS["plain"])) == [
        "created", "in_progress", "output_item.added", "content_part.added",
        "output_text.delta", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert types(events(*LOGS["thought"]))[2:-1] == [
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added", "content_part.added", "refusal.delta",
        "refusal.done", "content_part.done", "output_item.done",
    ]  # fmt: skip


def test_thoughts_and_refusals_are_items_of_their_own():
    thought, refused = document(*LOGS["thought"])["output"]
    assert thought["id"].startswith("rs_")
    assert thought["summary"] == [{"type": "summary_text", "text": "Hm"}]
    assert refused["content"] == [{"type": "refusal", "refusal": "No"}]


@pytest.mark.parametrize(("end", "type", "status"), ENDINGS)
def test_each_end_is_one_the_clients_know(end, type, status):
    last = events(START, *TEXT, END, end)[-1]
    assert (last["type"], last["response"]["status"]) == (type, status)
    item = last["response"]["output"][0]["status"]
    assert item == ("incomplete" if status in ("cancelled", "failed") else "completed")


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("max_tokens", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
        ("pause_turn", "incomplete", None),
        ("max_steps", "incomplete", None),
        ("max_usage", "incomplete", {"reason": "max_output_tokens"}),
    ],
)
def test_an_answer_that_is_not_whole_is_incomplete(reason, status, details):
    made = document(START, *TEXT, END, ("run.completed", {"stop_reason": reason, "usage": {}}))
    assert (made["status"], made["incomplete_details"]) == (status, details)


def test_tokens_are_counted_as_openai_counts_them():
    assert document(*LOGS["plain"])["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 8,
    }


def test_a_take_over_closes_what_was_open_and_begins_anew():
    whole = events(*LOGS["taken over"])
    assert types(whole).count("in_progress") == 1
    lost, stands = [event["item"] for event in of(whole, "output_item.done")]
    assert (lost["status"], stands["status"]) == ("incomplete", "completed")
    assert lost["content"][0]["text"] == "So it is"
    assert [event["output_index"] for event in of(whole, "output_item.added")] == [0, 1]
    assert whole[-1]["response"]["output"] == [stands]


def test_a_step_that_is_begun_again_keeps_those_before_it():
    again = ("run.started", {"attempt": 2, "step": 2, "from_block": 2})
    lost = [("block.started", {"index": at, "kind": "text"}) for at in (2, 3)]
    made = document(*ASKS, RUNS, OK, *lost, again, *ANSWERS)
    kinds = [item["type"] for item in made["output"]]
    assert kinds == ["message", "function_call", "function_call_output", "message"]


def test_an_agents_calls_are_items_with_what_became_of_them():
    whole = events(*ASKS, WAITS, RUNS, OK, *ANSWERS)
    done = of(whole, "function_call_arguments.done")
    assert done[0]["arguments"] == '{"city":"Bern"}'
    _, call, result, _ = whole[-1]["response"]["output"]
    assert (call["name"], call["arguments"]) == ("weather", '{"city":"Bern"}')
    assert (result["call_id"], result["output"]) == (call["call_id"], "rain")


def test_after_compaction_any_cursor_gets_the_end():
    whole = ("block.delta", {"index": 0, "text": "So it is", "from": 3})
    folded = (START, TEXT[0], whole, END, DONE)
    live = events(*LOGS["plain"])
    for cut in (-1, 0, 4, len(live) - 1, 1000):
        rest = events(*folded, after=cut)
        assert rest[-1]["response"] == live[-1]["response"]
        assert rest[-1]["sequence_number"] > cut


def completion(since=0):
    return Completion(RUN, "m", 1, since)


def pieces(*given, usage=False, since=0):
    encoder = PieceEncoder(completion(since), usage)
    sent = encoder.begin() + b"".join(map(encoder.event, rows(*given)))
    return [frame.removeprefix("data: ") for frame in sent.decode().split("\n\n")[:-1]]


def test_pieces_are_a_role_the_words_a_reason_and_the_end():
    *found, last = pieces(*LOGS["plain"], usage=True)
    assert last == "[DONE]"
    typed = [ChatCompletionChunk.model_validate_json(piece) for piece in found]
    assert typed[0].choices[0].delta.role == "assistant"
    words = [piece.choices[0].delta.content or "" for piece in typed if piece.choices]
    assert "".join(words) == "So it is"
    assert [p.choices[0].finish_reason for p in typed if p.choices][-1] == "stop"
    assert (typed[-1].choices, typed[-1].usage.total_tokens) == ([], 8)
    assert "usage" not in "".join(pieces(*LOGS["plain"]))
    short = ("run.completed", {"stop_reason": "max_tokens", "usage": {}})
    assert '"finish_reason":"length"' in pieces(START, *TEXT, END, short)[-2]


@pytest.mark.parametrize("log", ["failed", "stopped", "stopped before", "taken over"])
def test_pieces_that_are_no_whole_end_with_an_error(log):
    found = pieces(*LOGS[log])
    assert set(json.loads(found[-1])) == {"error"}
    assert "[DONE]" not in found
    assert not any("finish_reason" in piece and '"stop"' in piece for piece in found)


def completed(*given, since=0):
    encoder = WholeCompletion(completion(since))
    return encoder.begin() + b"".join(map(encoder.event, rows(*given)))


@pytest.mark.parametrize(
    ("since", "said", "reason"), [(0, ("So", True), "tool_calls"), (12, ("Rain.", False), "stop")]
)
def test_a_run_that_its_client_went_on_with_is_two_completions(since, said, reason):
    whole = ChatCompletion.model_validate_json(completed(*BY_CLIENT, since=since))
    state = ChatCompletionStreamState()
    *found, last = pieces(*BY_CLIENT, usage=True, since=since)
    assert last == "[DONE]"
    typed = [ChatCompletionChunk.model_validate_json(piece) for piece in found]
    for piece in typed:
        state.handle_chunk(piece)
    streamed = state.get_final_completion()
    for made in (whole, streamed):
        choice = made.choices[0]
        text, calls = said
        assert (choice.message.content, choice.finish_reason) == (text, reason)
        assert made.usage.prompt_tokens == 3
        called = choice.message.tool_calls or []
        assert [(call.function.name, call.function.arguments) for call in called] == [
            ("weather", '{"city":"Bern"}')
        ] * calls
        assert [call.id for call in called] == [f"call_{UUID(RUN).hex}_1"] * calls
    assert whole.id == streamed.id == typed[0].id
    assert whole.id.endswith("_12") == bool(since)


def test_only_what_is_said_anew_is_said_twice():
    yes = ("tool.decided", {"call_id": "call_1", "decision": "approved"})
    again = ("run.started", {"attempt": 2, "step": 2, "from_block": 2})
    waited = (*ASKS, WAITS, ("run.waiting", {}), yes, again, RUNS, OK, *ANSWERS)
    assert pieces(*waited)[-1] == "[DONE]"
    message = ChatCompletion.model_validate_json(completed(*waited)).choices[0].message
    assert (message.content, message.tool_calls) == ("SoRain.", None)
    lost = (*ASKS, RUNS, OK, *ANSWERS[:3], ("run.started", {"attempt": 3, "from_block": 2}))
    assert "begin again" in pieces(*lost)[-1]


def test_a_completion_is_whole_or_an_error():
    made = completed
    for log in ("plain", "taken over"):
        whole = ChatCompletion.model_validate_json(made(*LOGS[log]))
        assert whole.choices[0].message.content == ("So it is" if log == "plain" else "So")
    for why, reason in (("max_steps", "length"), ("max_tokens", "length"), ("stop", "stop")):
        end = ("run.completed", {"stop_reason": why, "usage": {}})
        whole = ChatCompletion.model_validate_json(made(START, *TEXT, END, end))
        assert whole.choices[0].finish_reason == reason
    refused = ChatCompletion.model_validate_json(made(*LOGS["thought"])).choices[0].message
    assert (refused.content, refused.refusal) == ("", "No")
    for log, status in (("failed", 503), ("stopped", 500)):
        with pytest.raises(NoAnswer) as error:
            made(*LOGS[log])
        assert error.value.status == status


@pytest.mark.parametrize(
    ("extent", "kinds"),
    [
        (Extent(), ["message", "function_call", "function_call_output", "message"]),
        (Extent(decided=99), ["message", "function_call", "function_call_output", "message"]),
        (Extent(decided=0), ["message", "function_call"]),
        (Extent(decided=99, continued=[12]), ["message", "function_call"]),
        (Extent(since=12, decided=99), ["message"]),
    ],
)
def test_a_run_that_a_client_went_on_with_is_two_responses(extent, kinds):
    known = rows(*BY_CLIENT)
    assert known[11].type == "run.waiting"
    encoder = Encoder(Response(RUN, "m", RUN, 1, since=extent.since), extent=extent)
    sent = encoder.begin() + b"".join(map(encoder.event, known))
    told = [json.loads(each.split("data: ")[1]) for each in sent.decode().split("\n\n")[:-1]]
    for event in told:
        EVENT.validate_python(event)
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    last = told[-1]
    assert (last["type"], last["response"]["status"]) == ("response.completed", "completed")
    assert [item["type"] for item in last["response"]["output"]] == kinds
    half = bool(extent.since) or len(kinds) == 2
    assert last["response"]["usage"]["input_tokens"] == (3 if half else 0)
    assert encoder.document() == last["response"]
