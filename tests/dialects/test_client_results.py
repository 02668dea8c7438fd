"""Results that clients of OpenAI's Responses API post for calls they have run."""

from __future__ import annotations

import pytest

from streams.models import Run, ToolCall
from tests.views.agent_answers import step, wait
from tests.views.answers import begin

pytestmark = pytest.mark.django_db
MODEL = "scripted:demo"
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
    more = {"model": MODEL, "background": True}
    v1("responses", **more, input=[*first["output"], result(first, "of Alice")])
    assert results() == ["of Alice", ""]
    both = [result(first), result(second)]
    told = v1("responses", 400, **more, input=both)
    assert "No tool call found" in told["error"]["message"]
    for place in ("previous_response_id", "conversation"):
        here = first["id"] if place == "previous_response_id" else first["conversation"]["id"]
        v1("responses", 400, **more, input=[result(second)], **{place: here})
    assert results() == ["of Alice", ""]


def test_calls_that_clients_have_left_alone_keep_nobody_from_asking(ask, v1, settings):
    settings.STREAMS = settings.STREAMS | {"running_per_user": 1}
    left, _ = ask(input="Alice"), ask(input="Bert")
    more = {"model": MODEL, "background": True}
    v1("responses", input="Claire", **more)
    told = v1("responses", 429, input=[result(left)], **more)
    assert "being written already" in told["error"]["message"]
    v1("responses", 429, input="Dora", **more)
    Run.objects.filter(status="queued").update(status="completed")
    v1("responses", input=[result(left)], **more)
    v1("responses", 429, input="Dora", **more)


def test_what_waits_for_a_person_counts(ask, v1, settings):
    settings.STREAMS = settings.STREAMS | {"running_per_user": 1}
    ask(input="Alice")
    ToolCall.objects.update(client=False)
    v1("responses", 429, model=MODEL, background=True, input="Bert")
