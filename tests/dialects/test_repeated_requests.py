"""The same request once more, during a run and after its end: its response may have been lost."""

from __future__ import annotations

import json

import pytest
from django.http import HttpResponse

from streams.dialects.ai_sdk.shown import Shown
from streams.dialects.endpoint import DialectView
from streams.models import Conversation, Run
from tests.complexity import growth, is_linear
from tests.views.agent_answers import step, wait
from tests.views.answers import begin, say

from .test_encoders import ANSWERS, ASKS, WAITS, parts, types

pytestmark = pytest.mark.django_db
MODEL = "scripted:demo"
ENDS = [Run.Status.COMPLETED, Run.Status.FAILED, Run.Status.CANCELLED]
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


@pytest.fixture(autouse=True)
def followed(monkeypatch):
    """The runs that are streamed, instead of their streams."""
    runs = []

    def follow(view, request, run, encoder, **more):
        runs.append(run)
        return HttpResponse()

    monkeypatch.setattr(DialectView, "follow", follow)
    return runs


@pytest.fixture
def chat(v1, followed):
    """Posts as `useChat` does; returns the run that is streamed."""

    def chat(*messages, model=MODEL, **more):
        said = [
            {"id": id, "role": role, "parts": [{"type": "text", "text": text}]}
            for id, role, text in messages
        ]
        body = {"id": "c", "messages": said, "model": model, "trigger": "submit-message", **more}
        answer = v1.client.post("/api/chat", json.dumps(body), content_type="application/json")
        assert answer.status_code == 200, answer.content
        return followed[-1]

    return chat


PROMPT = ("m", "user", "Hi")
BY_HAND = {"messageId": "m"}  # what `sendMessage()` sends, and an edit that changes nothing
AGAIN = {"trigger": "regenerate-message"}


def ended(run, status=Run.Status.COMPLETED):
    begin(run)
    Run.objects.filter(pk=run.pk).update(status=status)


@pytest.mark.parametrize("more", [{}, BY_HAND, AGAIN], ids=["as it was", "by hand", "another"])
def test_a_post_that_comes_again_during_the_run_is_that_run(chat, more):
    first = chat(PROMPT, **more)
    assert chat(PROMPT, **more) == first
    begin(first)
    assert chat(PROMPT, **more) == first


@pytest.mark.parametrize("status", ENDS)
def test_a_post_that_comes_again_after_the_end_is_that_run(chat, status):
    first = chat(PROMPT)
    ended(first, status)
    assert chat(PROMPT) == first


def test_a_post_that_comes_again_after_it_was_taken_back_is_that_run(chat, laptop):
    first = chat(PROMPT)
    first.cancel(laptop)
    assert chat(PROMPT) == first
    assert chat(PROMPT, **BY_HAND) != first


@pytest.mark.parametrize("status", ENDS)
def test_a_prompt_sent_again_by_hand_has_the_answer_that_is_there(chat, status):
    first = chat(PROMPT)
    ended(first, status)
    again = chat(PROMPT, **BY_HAND)
    assert (again == first) == (status == Run.Status.COMPLETED)
    assert again.prompt == first.prompt


def test_a_prompt_sent_again_by_hand_before_others_is_a_branch(chat):
    first = chat(PROMPT)
    ended(first)
    second = chat(PROMPT, (str(first.answer.uuid), "assistant", "Hello"), ("n", "user", "And?"))
    ended(second)
    assert chat(PROMPT, **BY_HAND) not in (first, second)


def test_another_answer_asked_for_again_is_the_one_that_was_made(chat):
    first = chat(PROMPT)
    ended(first)
    asks = {**AGAIN, "messageId": str(first.answer.uuid)}
    second = chat(PROMPT, **asks)
    ended(second)
    assert second != first
    assert chat(PROMPT, **asks) == second
    assert chat(PROMPT, **{**AGAIN, "messageId": str(second.answer.uuid)}) not in (first, second)


def test_a_post_that_comes_again_changes_no_setting(chat, laptop):
    ended(chat(PROMPT))
    here = Conversation.objects.get()
    here.change(laptop, model="scripted:echo")
    chat(PROMPT)
    here.refresh_from_db()
    assert here.model == "scripted:echo"


@pytest.mark.parametrize("status", [*ENDS, Run.Status.RUNNING])
def test_a_list_that_ends_with_an_answer_asks_nothing(chat, status):
    run = chat(PROMPT)
    ended(run, status)
    say(run, "Hello")
    chat(PROMPT, (str(run.answer.uuid), "assistant", "Hel"), messageId=str(run.answer.uuid))
    assert Run.objects.count() == 1


def test_a_prompt_that_was_said_elsewhere_can_be_asked(chat):
    ended(chat(("a", "user", "One"), ("b", "assistant", "Two"), PROMPT))
    assert chat(("a", "user", "One")).prompt.text == "One"


def test_a_completion_with_the_same_key_is_the_same(v1, followed):
    def complete(text, key=None, status=200):
        history = [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}]
        body = {"model": MODEL, "messages": [*history, {"role": "user", "content": text}]}
        answer = v1.client.post(
            "/v1/chat/completions", json.dumps(body), content_type="application/json",
            headers={"Idempotency-Key": key} if key else {},
        )  # fmt: skip
        assert answer.status_code == status, answer.content
        return followed[-1]

    first = complete("Hi", "k")
    assert complete("Hi", "k") == first
    ended(first)
    assert complete("Hi", "k") == first
    assert complete("Hi", "l") != first
    assert complete("Hi") not in (first, complete("Hi"))
    complete("Other", "k", status=409)
    complete("Hi", "k" * 65, status=400)
    assert first.conversation.messages.count() == 4
    assert first.conversation.archived_at


@pytest.mark.parametrize("ends", [False, True], ids=["waits", "has ended"])
def test_a_response_with_the_same_key_is_the_same_while_it_waits(v1, ends):
    here = v1("conversations")["id"]
    body = {"model": MODEL, "background": True, "input": "Weather?", "tools": [TOOL]}

    def ask(key, status=200):
        answer = v1.client.post(
            "/v1/responses", json.dumps({**body, "conversation": here}),
            content_type="application/json", headers={"Idempotency-Key": key},
        )  # fmt: skip
        assert answer.status_code == status, answer.content
        return answer.json()

    first = ask("k")
    run = Run.objects.get()
    begin(run)
    step(run, 1, ("weather", {}), waits=(0,), client=True)
    wait(run)
    if ends:
        Run.objects.update(status="completed")
    assert ask("k")["id"] == first["id"]
    ask("l", status=200 if ends else 400)


NOTHING_MORE = ["start-step", "text-start", "text-end", "finish-step"]
BY_PIECES = ("Let me ", "see. ", "Yes")
THOUGHTS = ("Hm. ", "So")
ANSWER = (
    ("run.started", {"attempt": 1}),
    ("block.started", {"index": 0, "kind": "reasoning"}),
    *(("block.delta", {"index": 0, "text": text}) for text in THOUGHTS),
    ("block.ended", {"index": 0}),
    ("block.started", {"index": 1, "kind": "text"}),
    *(("block.delta", {"index": 1, "text": text}) for text in BY_PIECES),
    ("block.ended", {"index": 1}),
    ("run.completed", {"stop_reason": "end_turn", "usage": {}}),
)
TOLD = "".join((*THOUGHTS, *BY_PIECES))


def message(thought, text):
    """What a client shows that was cut off in mid-answer."""
    parts = [("reasoning", thought), ("text", text)]
    shown = [{"type": type, "text": text} for type, text in parts if text]
    return {"role": "assistant", "parts": [{"type": "step-start"}, *shown]}


@pytest.mark.parametrize("known", range(len(TOLD) + 1))
def test_a_client_that_was_cut_off_is_told_the_rest(known):
    thoughts = len("".join(THOUGHTS))
    has = message(TOLD[: min(known, thoughts)], TOLD[thoughts:known])
    found = parts(*ANSWER, shown=Shown(has))
    ids = {kind: [part["id"] for part in found if part["type"].endswith(kind) and "id" in part]
           for kind in ("-start", "-delta", "-end")}  # fmt: skip
    assert ids["-start"] == ids["-end"] == sorted({*ids["-delta"]})
    assert "start-step" not in types(found)


def test_a_client_that_shows_another_answer_is_told_all():
    for thought, rest in (("Hm. So", "Let me see. Yes"), ("Well", TOLD)):
        found = parts(*ANSWER, shown=Shown(message(thought, "Let us")))
        assert "".join(part.get("delta", "") for part in found) == rest
    assert parts(*ANSWER, shown=Shown({"parts": [None, {"type": "text"}]})) == parts(*ANSWER)


def test_a_call_that_the_client_knows_is_not_made_again():
    waits = ("tool.waiting", {"call_id": "call_1", "id": "c0ffee", "client": True})
    given = (*ASKS, waits, ("run.waiting", {"attempt": 1}))
    call = {"type": "dynamic-tool", "toolCallId": "m:1", "state": "input-available"}
    shown = [{"type": "step-start"}, {"type": "text", "text": "So"}, call]
    assert types(parts(*given, shown=Shown({"parts": shown}))) == ["start", "finish-step", "finish"]
    shown[2] = {**call, "state": "input-streaming"}
    assert "tool-input-available" in types(parts(*given, shown=Shown({"parts": shown})))


@pytest.mark.parametrize("end", ["run.completed", "run.cancelled", "run.steered"])
def test_a_client_whose_answer_has_ended_does_not_ask_again_by_itself(end):
    """It does as long as the last step of its message is one of calls that have results."""
    ends = (end, {"stop_reason": "tool_call", "usage": {}})
    given = (*ASKS, WAITS, ("run.waiting", {"attempt": 1}), ends)
    shown = Shown({"parts": [{"type": "step-start"}, {"type": "text", "text": "So"}]})
    found = types(parts(*given, after=len(ASKS) + 2, decided=99, shown=shown))
    assert found[:-1] == ["start", "finish-step", *NOTHING_MORE]
    more = parts(*given[:-1], *ANSWERS, after=len(ASKS) + 2, decided=99, shown=shown)
    assert types(more).count("start-step") == 1


def test_a_message_of_any_shape_is_read():
    for given in (None, "", [1, None, {}, {"type": {}}, {"type": "text", "text": 7}]):
        assert not Shown({"parts": given}).has_more
    assert Shown({"parts": [{"toolCallId": {}}]}).calls == {"{}"}


def test_a_long_message_takes_time_in_proportion():
    def told(pieces):
        shown = Shown({"parts": [{"type": "text", "text": "word " * pieces}]})
        for _ in range(pieces):
            assert shown.unseen("word ") == ""

    assert is_linear(growth(told, lambda size: size, 100_000))
