"""openai-python, unmodified, with tools of its own: the Responses API."""

from __future__ import annotations

import json

import openai
import pytest

from streams.models import Run, ToolCall
from tests.processes import eventually

from .openai_client import MODEL, read, texts

pytestmark = pytest.mark.django_db(transaction=True)

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
    "strict": True,
}
ASKED = {"model": MODEL, "tools": [WEATHER]}
CALL_EVENTS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
]


def result(call, output="Rain"):
    return {"type": "function_call_output", "call_id": call.call_id, "output": output}


def dumped(response):
    return response.to_dict()


def test_the_client_runs_its_tool_and_another_response_goes_on(client, told):
    told.call("weather", '{"city": "Bern"}', "call_1")
    first = client.responses.create(input="Weather?", instructions="Be brief", **ASKED)
    assert first.status == "completed"
    (call,) = first.output
    assert (call.type, call.name, json.loads(call.arguments)) == (
        "function_call", "weather", {"city": "Bern"},
    )  # fmt: skip
    assert first.tools[0].name == "weather"
    assert (first.usage.input_tokens, first.usage.output_tokens) == (3, 5)
    offered = told.requests[-1]["tools"][0]["function"]
    assert offered["parameters"] == WEATHER["parameters"]

    told.answer("It", " rains")
    more = {"previous_response_id": first.id, "input": [result(call)], **ASKED}
    more["instructions"] = "In short"
    events = read(client.responses.create(stream=True, **more))
    second = events[-1].response
    assert second.output_text == "It rains"
    assert [item.type for item in second.output] == ["message"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert second.id != first.id == second.previous_response_id
    assert (second.usage.input_tokens, second.usage.output_tokens) == (3, 5)
    messages = told.requests[-1]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool"]
    assert (messages[0]["content"], messages[3]["content"]) == ("In short", "Rain")

    assert dumped(client.responses.create(**more)) == dumped(second), "the same once more"
    assert dumped(client.responses.retrieve(first.id)) == dumped(first)
    assert dumped(client.responses.retrieve(second.id)) == dumped(second)
    for cut in (-1, 1, 3):
        after = {} if cut < 0 else {"starting_after": cut}
        rest = read(client.responses.retrieve(second.id, stream=True, **after))
        assert [e.to_dict() for e in rest] == [e.to_dict() for e in events[cut + 1 :]]
    again = read(client.responses.retrieve(first.id, stream=True))
    assert [event.type for event in again] == CALL_EVENTS
    assert [each.output for each in client.responses.input_items.list(second.id)] == ["Rain"]
    items = [*client.conversations.items.list(first.conversation.id, order="asc")]
    kinds = ["message", "function_call", "function_call_output", "message"]
    assert [item.type for item in items] == kinds
    told.answer("Take it")
    last = client.responses.create(input="Umbrella?", previous_response_id=second.id, **ASKED)
    assert last.output_text == "Take it"
    assert [m["role"] for m in told.requests[-1]["messages"]][-3:] == ["tool", "assistant", "user"]
    assert Run.objects.count() == 2
    assert len(told.requests) == 3
    with pytest.raises(openai.BadRequestError, match="can't be deleted"):
        client.conversations.items.delete(items[0].id, conversation_id=first.conversation.id)
    with pytest.raises(openai.NotFoundError):
        client.conversations.items.delete("msg_x", conversation_id=first.conversation.id)
    assert client.responses.delete(first.id) is None
    assert client.responses.retrieve(second.id).output_text == "It rains"


@pytest.mark.parametrize("nothing", [{"tools": []}, {"tools": [WEATHER], "tool_choice": "none"}])
def test_a_result_may_come_without_tools_for_the_last_answer(client, told, nothing):
    told.call("weather", "{}", "call_1")
    first = client.responses.create(input="Weather?", **ASKED)
    told.answer("It rains")
    back = {"previous_response_id": first.id, "input": [result(first.output[0])]}
    second = client.responses.create(model=MODEL, **back, **nothing)
    assert (second.status, second.output_text) == ("completed", "It rains")
    asked = told.requests[-1]
    assert ("tools" in asked, "Rain" in asked["messages"][-1]["content"]) == (False, True)


def test_a_client_that_holds_its_history_sends_it_with_the_result(client, told):
    told.call("weather", "{}", "call_1")
    prompt = {"role": "user", "content": "Weather?"}
    first = client.responses.create(input=[prompt], store=False, **ASKED)
    told.call("weather", "{}", "call_1")  # as some services name all of theirs
    history = [prompt, *first.output, result(first.output[0])]
    second = client.responses.create(input=history, store=False, **ASKED)
    (call,) = second.output
    assert call.call_id != first.output[0].call_id
    told.answer("Rain")
    third = client.responses.create(
        input=[*history, call, result(call, [{"type": "input_text", "text": "Sun"}])], **ASKED
    )
    assert third.output_text == "Rain"
    assert told.requests[-1]["messages"][-1]["content"] == "Sun"
    assert Run.objects.count() == 1
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(second.id)
    told.answer("Then not")
    again = [*history, call, result(call, "Sun"), *third.output, prompt]
    fourth = client.responses.create(input=again, **ASKED)
    assert fourth.output_text == "Then not"
    kinds = ["user", "assistant", "tool", "assistant", "tool", "assistant", "user"]
    assert [message["role"] for message in told.requests[-1]["messages"]] == kinds
    assert [m["content"] for m in told.requests[-1]["messages"] if m["role"] == "tool"] == [
        "Rain", "Sun",
    ]  # fmt: skip
    items = [*client.responses.input_items.list(fourth.id, order="asc")]
    assert [(item.type, item.to_dict().get("output")) for item in items] == [
        ("message", None), ("function_call", None), ("function_call_output", "Rain"),
        ("function_call", None), ("function_call_output", "Sun"), ("message", None),
        ("message", None),
    ]  # fmt: skip


def test_openais_words_for_what_does_not_fit(client, foreign_client, told):
    told.call("weather", "{}", "call_1")
    first = client.responses.create(input="Weather?", **ASKED)
    (call,) = first.output
    here = {"previous_response_id": first.id}
    unknown = {**result(call), "call_id": "call_x"}
    for who, body, words in (
        (client, {"input": [unknown], **here}, "No tool call found .* call_x"),
        (client, {"input": [unknown]}, "No tool call found"),
        (foreign_client, {"input": [result(call)]}, "No tool call found"),
        (client, {"input": "And?", **here}, f"No tool output found .* {call.call_id}"),
        (client, {"input": "And?", "conversation": first.conversation.id}, "No tool output found"),
        (client, {"input": [call]}, "No tool output found"),
        (client, {"input": "x", "tools": [{"type": "web_search"}]}, "function of the client"),
        (client, {"input": "x", "tools": [{**WEATHER, "name": "a b"}]}, "name"),
        (client, {"input": "x", "tools": [WEATHER, WEATHER]}, "same name"),
        (client, {"input": "x", "tool_choice": "required"}, "auto or none"),
    ):
        with pytest.raises(openai.BadRequestError, match=words):
            who.responses.create(**{**ASKED, **body})
    assert ToolCall.objects.get().status == "waiting"
    assert client.responses.cancel(first.id).status == "cancelled"
    told.answer("No tools")
    none = client.responses.create(input="Hi", tool_choice="none", **ASKED)
    assert (none.output_text, none.tool_choice) == ("No tools", "none")
    assert "tools" not in told.requests[-1]


def test_a_result_finds_its_run_whoever_works(client, told, crew, worker):
    told.call("weather", "{}", "call_1")
    first = client.responses.create(input="Weather?", background=True, **ASKED)
    eventually(lambda: client.responses.retrieve(first.id).status == "completed")
    (call,) = client.responses.retrieve(first.id).output
    told.say("Lost")
    more = {"previous_response_id": first.id, "input": [result(call)], "background": True}
    stream = iter(client.responses.create(stream=True, **more, **ASKED))
    events = [event for _, event in zip(range(5), stream, strict=False)]
    assert events[-1].delta == "Lost"
    worker.kill()
    eventually(lambda: told.closed == 1)
    told.answer("Rain")
    crew.worker()
    events += stream
    last = events[-1].response
    assert (last.output_text, len(last.output)) == ("Rain", 1)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert dumped(client.responses.retrieve(last.id)) == dumped(last)
    assert texts(told)[-1] == "Rain", "the result is told again"


def function(tool):
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}


CHAT = {"model": MODEL, "tools": [function(WEATHER)]}
PROMPT = {"role": "user", "content": "Weather?"}


def tool(call, output="Rain"):
    return {"role": "tool", "tool_call_id": call.id, "content": output}


def roles(told):
    return [message["role"] for message in told.requests[-1]["messages"]]


def test_the_client_runs_its_tool_and_another_completion_goes_on(client, told):
    completions = client.chat.completions
    told.say("Look").call("weather", '{"city": "Bern"}', "call_1")
    first = completions.create(messages=[PROMPT], **CHAT)
    (choice,) = first.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Look")
    (call,) = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "weather",
        {"city": "Bern"},
    )
    assert told.requests[-1]["tools"][0]["function"]["parameters"] == WEATHER["parameters"]
    assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (3, 5)

    told.call("weather", '{"city": "Thun"}', "call_1")  # as some services name all of theirs
    history = [{"role": "system", "content": "In short"}, PROMPT, choice.message, tool(call)]
    options = {"include_usage": True}
    with completions.stream(messages=history, stream_options=options, **CHAT) as stream:
        seen = [event for event in stream if event.type.startswith("tool_calls")]
        second = stream.get_final_completion()
    assert [event.type.rpartition(".")[2] for event in seen] == ["delta", "delta", "done"]
    (other,) = second.choices[0].message.tool_calls
    assert (other.function.arguments, other.id != call.id) == ('{"city": "Thun"}', True)
    assert (second.id != first.id, second.usage.prompt_tokens) == (True, 3)
    assert told.requests[-1]["messages"][0]["content"] == "In short"
    assert roles(told) == ["system", "user", "assistant", "tool"]

    told.answer("It", " rains")
    history += [second.choices[0].message.to_dict(), tool(other, "Sun")]
    third = completions.create(messages=history, **CHAT)
    assert (third.choices[0].message.content, third.usage.prompt_tokens) == ("It rains", 3)
    again = completions.create(messages=history, **CHAT)
    assert again.to_dict() == third.to_dict(), "the same once more"
    assert (Run.objects.count(), len(told.requests)) == (1, 3)

    told.answer("Take it")
    history += [third.choices[0].message, {"role": "user", "content": "Umbrella?"}]
    last = completions.create(messages=history, **CHAT)
    assert last.choices[0].message.content == "Take it"
    assert roles(told) == [
        "system", "user", "assistant", "tool", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip
    results = [m["content"] for m in told.requests[-1]["messages"] if m["role"] == "tool"]
    assert (results, Run.objects.count()) == (["Rain", "Sun"], 2)


def test_a_history_of_another_is_answered_and_nobody_elses_call(client, foreign_client, told):
    """What a client says of a call is good for its own history, whosever the call is."""
    told.call("weather", "{}", "call_1")
    message = client.chat.completions.create(messages=[PROMPT], **CHAT).choices[0].message
    (call,) = message.tool_calls
    told.answer("So they say")
    history = [PROMPT, message, tool(call)]
    theirs = foreign_client.chat.completions.create(messages=history, **CHAT)
    assert theirs.choices[0].message.content == "So they say"
    assert ToolCall.objects.get().status == "waiting"
    told.answer("It rains")
    client.chat.completions.create(messages=history, **CHAT)
    told.answer("It shines")
    edited = [PROMPT, message, tool(call, "Sun")]
    other = client.chat.completions.create(messages=edited, model=MODEL)
    assert other.choices[0].message.content == "It shines"
    words = [message["content"] for message in told.requests[-1]["messages"]]
    assert words == ["Weather?", "[Called weather with {}]", "[Result: Sun]"]
    assert ToolCall.objects.get().result == "Rain"
    assert Run.objects.count() == 3
