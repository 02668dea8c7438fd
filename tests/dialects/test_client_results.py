"""Results that clients of OpenAI's Responses API post for calls they have run."""

from __future__ import annotations

import json

import pytest

from streams.dialects.openai_responses import starting
from streams.models import Run, ToolCall
from tests.views.agent_answers import done, step, wait
from tests.views.answers import begin, say

pytestmark = pytest.mark.django_db
MODEL = "scripted:demo"
MORE = {"model": MODEL, "background": True}
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


@pytest.fixture
def ask(v1):
    """Posts what is answered with a call of the client's tool, by the same id each time."""

    def ask(**body):
        made = v1("responses", model=MODEL, background=True, tools=[TOOL], **body)
        run = Run.objects.latest("pk")
        begin(run)
        step(run, 1, ("weather", {}), waits=(0,), client=True)
        wait(run)
        return v1.client.get(f"/v1/responses/{made['id']}").json()

    return ask


def result(response, output="Rain"):
    call = response["output"][-1]
    return {"type": "function_call_output", "call_id": call["call_id"], "output": output}


def results():
    return [*ToolCall.objects.order_by("pk").values_list("result", flat=True)]


def test_a_result_is_that_of_its_own_conversation_whatever_the_service_calls_the_call(ask, v1):
    first, second = ask(input="Alice"), ask(input="Bert")
    v1("responses", **MORE, input=[*first["output"], result(first, "of Alice")])
    assert results() == ["of Alice", ""]
    both = [result(first), result(second)]
    told = v1("responses", 400, **MORE, input=both)
    assert "No tool call found" in told["error"]["message"]
    for place in ("previous_response_id", "conversation"):
        here = first["id"] if place == "previous_response_id" else first["conversation"]["id"]
        v1("responses", 400, **MORE, input=[result(second)], **{place: here})
    assert results() == ["of Alice", ""]


def test_a_result_sent_again_is_the_same_response_whatever_is_called_by_now(ask, v1):
    first = ask(input="Weather?")
    sent = {"previous_response_id": first["id"], "input": [result(first)], **MORE}
    second = v1("responses", **sent)
    run = Run.objects.get()
    Run.objects.update(status="running")
    done(run, "call-1-0", "Rain")
    step(run, 2, ("weather", {"at": 2}), waits=(0,), client=True)
    wait(run)
    again = v1("responses", **sent)
    assert (again["id"], again["status"]) == (second["id"], "completed")
    (call,) = again["output"]
    assert call["call_id"] == f"call_{run.uuid.hex}_1"
    told = v1("responses", 400, input="And?", previous_response_id=again["id"], **MORE)
    assert call["call_id"] in told["error"]["message"]
    v1("responses", **sent | {"previous_response_id": again["id"], "input": [result(again, "Sun")]})
    assert (Run.objects.count(), results()) == (1, ["Rain", "Sun"])


def test_calls_since_the_prompt_count_as_messages(v1, settings):
    settings.STREAMS = settings.STREAMS | {"conversation_messages": 3}
    prompt = {"role": "user", "content": "Weather?"}
    call = {"type": "function_call", "name": "weather", "arguments": "{}"}
    told = {"type": "function_call_output", "output": "Rain"}
    rounds = [each | {"call_id": id} for id in "abc" for each in (call, told)]
    refused = v1("responses", 400, **MORE, input=[prompt, *rounds])
    assert refused["error"]["code"] == "conversation_full"
    assert not Run.objects.exists()
    v1("responses", **MORE, input=[prompt, *rounds[:4]])


def test_calls_that_clients_have_left_alone_keep_nobody_from_asking(ask, v1, settings):
    settings.STREAMS = settings.STREAMS | {"running_per_user": 1}
    left, _ = ask(input="Alice"), ask(input="Bert")
    v1("responses", input="Claire", **MORE)
    told = v1("responses", 429, input=[result(left)], **MORE)
    assert "being written already" in told["error"]["message"]
    v1("responses", 429, input="Dora", **MORE)
    Run.objects.filter(status="queued").update(status="completed")
    v1("responses", input=[result(left)], **MORE)
    v1("responses", 429, input="Dora", **MORE)


def test_what_waits_for_a_person_counts(ask, v1, settings):
    settings.STREAMS = settings.STREAMS | {"running_per_user": 1}
    ask(input="Alice")
    ToolCall.objects.update(client=False)
    v1("responses", 429, model=MODEL, background=True, input="Bert")


def asked():
    return Run.objects.latest("pk").asked


@pytest.mark.parametrize("nothing", [{"tools": []}, {"tools": [TOOL], "tool_choice": "none"}])
def test_what_a_response_says_of_instructions_and_tools_is_good_from_then_on(ask, v1, nothing):
    first = ask(input="Hi", instructions="Be brief")
    back = {"previous_response_id": first["id"], "input": [result(first)], **MORE}
    v1("responses", **back, **nothing)
    assert (asked()["tools"], asked()["system"]) == ([], "")


def test_a_response_that_says_nothing_of_tools_has_those_of_before(ask, v1):
    first = ask(input="Hi", instructions="Be brief")
    v1("responses", conversation=first["conversation"], input=[result(first)], **MORE)
    assert ([each["name"] for each in asked()["tools"]], asked()["system"]) == (
        ["weather"], "Be brief",
    )  # fmt: skip


def test_what_cannot_come_with_a_result_is_refused(ask, v1):
    first = ask(input="Hi")
    prompt = {"role": "user", "content": "In French"}
    for place in ({"previous_response_id": first["id"]}, {"conversation": first["conversation"]}):
        told = v1("responses", 400, **MORE, **place, input=[prompt, result(first)])
        assert "Messages can't come with results" in told["error"]["message"]
    other = MORE | {"model": "scripted:echo"}
    told = v1("responses", 400, **other, input=[result(first)])
    assert (told["error"]["param"], MODEL in told["error"]["message"]) == ("model", True)
    assert results() == [""]
    history = [prompt, *first["output"], result(first)]
    assert v1("responses", **MORE, input=history)["id"] != first["id"]


def test_what_has_gone_on_meanwhile_is_neither_stopped_nor_forgotten(ask, v1, anna, laptop):
    first = ask(input="Hi")
    stale = starting.own(anna, first["id"])
    second = v1("responses", **MORE, input=[result(first)])
    starting.hide(*stale, laptop)
    starting.stop(*stale, laptop)
    run = Run.objects.get()
    assert (run.status, run.asked["hidden"]) == ("queued", True)
    assert v1.client.get(f"/v1/responses/{first['id']}").status_code == 404
    assert v1.client.get(f"/v1/responses/{second['id']}").json()["status"] == "queued"


def test_a_response_that_was_complete_stays_so_when_its_call_is_denied_elsewhere(ask, v1, laptop):
    first = ask(input="Hi")
    ToolCall.objects.get().decide("denied", laptop)
    run = Run.objects.get()
    begin(run, 2)
    say(run, "Sorry", index=1)
    assert v1.client.get(f"/v1/responses/{first['id']}").json() == first


DEEP = "[" * 480 + "]" * 480


@pytest.mark.parametrize("value", [DEEP, "1" * 30, "1e999"], ids=["deep", "long", "infinite"])
@pytest.mark.parametrize(
    "field",
    [
        '"tools": [{"type": "function", "name": "w", "parameters": {"x": %s}}]',
        '"reasoning": {"x": %s}',
    ],
    ids=["tools", "reasoning"],
)
def test_json_that_cannot_be_kept_is_refused(v1, field, value):
    body = f'{{"model": "{MODEL}", "background": true, "input": "Hi", {field % value}}}'
    answer = v1.client.post("/v1/responses", body, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert not Run.objects.exists()


def test_strict_is_yes_or_no(v1):
    v1("responses", 400, **MORE, input="Hi", tools=[TOOL | {"strict": {"x": "y" * 200_000}}])
    v1("responses", **MORE, input="Hi", tools=[TOOL | {"strict": None}])


@pytest.mark.parametrize(
    ("given", "names"),
    [({}, ["weather"]), ({"tools": []}, []), ({"tools": [{"name": "a"}]}, ["a"])],
)
def test_tools_that_an_ag_ui_client_brings_with_a_result_are_good_from_then_on(
    ask, v1, given, names
):
    ask(input="Hi")
    run = Run.objects.get()
    told = {"role": "tool", "toolCallId": f"{run.answer.uuid}:1.0", "content": "Rain"}
    body = {"threadId": str(run.conversation.uuid), "runId": "r", "messages": [told], **given}
    v1.client.post("/ag-ui", json.dumps(body), content_type="application/json")
    assert results() == ["Rain"]
    assert [each["name"] for each in asked()["tools"]] == names
