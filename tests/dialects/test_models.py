"""Which model is asked as a conversation goes on, by what clients name with each request."""

from __future__ import annotations

import json

import pytest

from streams.models import Conversation, Run, ToolCall
from tests.views.agent_answers import step, wait
from tests.views.answers import begin, complete, say

pytestmark = pytest.mark.django_db
ONE, OTHER = "scripted:echo", "scripted:demo"


def ai_sdk(messages, model, **more):
    body = {"id": "t", "model": model, **more}
    return "/api/chat", body | {"messages": [
        {**{k: v for k, v in each.items() if k != "content"},
         "parts": each.get("parts", [{"type": "text", "text": each.get("content")}])}
        for each in messages
    ]}  # fmt: skip


def ag_ui(messages, model, **_):
    known = {"threadId": "t", "runId": f"r{Run.objects.count()} {model}"}
    return "/ag-ui", {**known, "messages": messages, "forwardedProps": {"model": model}}


@pytest.fixture
def ask(v1):
    def ask(request):
        path, body = request
        answer = v1.client.post(path, json.dumps(body), content_type="application/json")
        assert answer.status_code == 503, answer.content  # this server has no event streams
        return Run.objects.latest("pk")

    return ask


HI, MORE = ({"id": id, "role": "user", "content": id} for id in ("Hi", "More"))


def ended(run):
    begin(run)
    say(run, "So")
    complete(run)
    return {"id": str(run.answer.uuid), "role": "assistant", "content": "So"}


@pytest.mark.parametrize("dialect", [ai_sdk, ag_ui])
def test_a_prompt_and_another_answer_are_asked_of_the_model_they_name(dialect, ask):
    answer = ended(ask(dialect([HI], ONE)))
    second = ask(dialect([HI, answer, MORE], OTHER))
    ended(second)
    again = {"trigger": "regenerate-message"}
    third = ask(dialect([HI, answer, MORE], ONE, **again))
    assert [run.model for run in Run.objects.order_by("pk")] == [ONE, OTHER, ONE]
    assert second != third


@pytest.mark.parametrize("dialect", [ai_sdk, ag_ui])
def test_a_result_goes_on_with_its_answer_whatever_is_named(dialect, ask):
    run = ask(dialect([HI], ONE))
    begin(run)
    step(run, 1, ("locate", {}), waits=(0,), client=True)
    wait(run)
    id = str(run.answer.uuid)
    if dialect is ai_sdk:
        known = {"type": "dynamic-tool", "toolName": "locate", "state": "output-available"}
        part = {**known, "toolCallId": f"{id}:0", "input": {}, "output": "Bern"}
        back = {"id": id, "role": "assistant", "parts": [part]}
    else:
        back = {"id": "b", "role": "tool", "toolCallId": f"{id}:1.0", "content": "Bern"}
    assert ask(dialect([HI, back], OTHER)) == run
    run.refresh_from_db()
    assert (run.model, run.status, ToolCall.objects.get().result) == (ONE, "queued", "Bern")
    assert Conversation.objects.get().model == ONE
