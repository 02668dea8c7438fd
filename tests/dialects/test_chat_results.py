"""Results that clients of Chat Completions send with their history, and what they cannot send."""

from __future__ import annotations

import pytest
from django.test import Client

from streams.models import Conversation, Device, Run, ToolCall
from tests.views.agent_answers import done, step, wait
from tests.views.answers import begin, fail

pytestmark = pytest.mark.django_db
MODEL = "scripted:demo"
TOOL = {"type": "function", "function": {"name": "weather"}}
HI = {"role": "user", "content": "Weather?"}
STORED = 503  # there is no server here that could stream the answer


@pytest.fixture
def chat(v1):
    def chat(messages, status=STORED, **more):
        return v1("chat/completions", status, **{"model": MODEL, "messages": messages} | more)

    return chat


@pytest.fixture
def called(chat):
    """An answer that waits for its client's results, and the history up to there."""
    chat([HI], tools=[TOOL])
    run = Run.objects.latest("pk")
    begin(run)
    step(run, 1, ("weather", {"at": 1}), ("weather", {"at": 2}), waits=(0, 1), client=True)
    wait(run)
    calls = [
        {"id": f"call_{run.uuid.hex}_{call.block}", "type": "function",
         "function": {"name": call.name, "arguments": call.arguments}}
        for call in run.calls.all()
    ]  # fmt: skip
    return run, [HI, {"role": "assistant", "content": None, "tool_calls": calls}]


def answered(history, *outputs):
    calls = history[-1]["tool_calls"]
    told = zip(calls, outputs, strict=False)
    return [
        *history,
        *({"role": "tool", "tool_call_id": c["id"], "content": output} for c, output in told),
    ]


def results():
    return [*ToolCall.objects.order_by("pk").values_list("result", flat=True)]


def test_results_go_on_with_the_run_that_waits_and_the_same_ones_again(called, chat):
    run, history = called
    system = {"role": "system", "content": "In short"}
    for _ in range(2):
        chat([system, *answered(history, "Rain", "Sun")], tools=[])
        run = Run.objects.get()
        assert (results(), run.status) == (["Rain", "Sun"], "queued")
        assert (run.asked["tools"], run.asked["system"]) == ([], "In short")


def test_one_result_of_two_is_not_enough(called, chat):
    _, history = called
    told = chat(answered(history, "Rain"), status=400)
    assert "No tool output found" in told["error"]["message"]
    (_, second) = history[-1]["tool_calls"]
    short = [HI, {"role": "assistant", "tool_calls": history[-1]["tool_calls"][:1]}]
    told = chat(answered(short, "Rain"), status=400)
    assert second["id"] in told["error"]["message"]
    assert (results(), told["error"]["param"]) == (["", ""], "messages")


def rounds():
    made = Run.objects.latest("pk")
    assert Run.objects.count() == 2
    return [[call["result"] for call in each["calls"]] for each in made.asked["rounds"]]


def test_another_result_is_another_answer(called, chat):
    _, history = called
    chat(answered(history, "Rain", "Sun"))
    chat(answered(history, "Rain", "Snow"))
    assert (rounds(), results()) == ([["Rain", "Snow"]], ["Rain", "Sun"])


def test_another_model_is_another_answer(called, chat):
    _, history = called
    chat(answered(history, "Rain", "Sun"), model="scripted:echo")
    assert (rounds(), results()) == ([["Rain", "Sun"]], ["", ""])
    assert Run.objects.latest("pk").model == "scripted:echo"


def test_what_has_failed_is_tried_again(called, chat):
    run, history = called
    chat(answered(history, "Rain", "Sun"))
    begin(run, 2)
    fail(run)
    chat(answered(history, "Rain", "Sun"))
    assert rounds() == [["Rain", "Sun"]]


@pytest.mark.parametrize("ends", [False, True])
def test_results_sent_again_are_the_same_answer_whatever_it_waits_for_by_now(called, chat, ends):
    run, history = called
    sent = answered(history, "Rain", "Sun")
    chat(sent)
    Run.objects.update(status="running")
    for at, output in enumerate(("Rain", "Sun")):
        done(run, f"call-1-{at}", output)
    step(run, 2, ("weather", {"at": 3}), waits=(0,), client=True)
    wait(run)
    chat(sent)
    if ends:
        run.calls.last().decide("answered", None, result="Fog")
        Run.objects.update(status="completed")
        chat(sent)
    assert (Run.objects.count(), results()) == (1, ["Rain", "Sun", "Fog" if ends else ""])


SYSTEM = {"role": "system", "content": "In French"}
OTHERS = {
    "prompt": ({"role": "user", "content": "Wind?"}, [], {}),
    "instructions": (HI, [SYSTEM], {}),
    "tools": (HI, [], {"tools": [TOOL]}),
    "length": (HI, [], {"max_tokens": 5}),
}


@pytest.mark.parametrize("by", ["client", "page"])
@pytest.mark.parametrize(("prompt", "rules", "more"), OTHERS.values(), ids=OTHERS)
def test_the_same_results_behind_another_question_are_another_answer(
    called, chat, prompt, rules, more, by
):
    _, (_, said) = called
    if by == "client":
        chat(answered([HI, said], "Rain", "Sun"))
    else:
        Run.objects.update(asked={"system": "Of a page"})
        for call, output in zip(ToolCall.objects.all(), ("Rain", "Sun"), strict=True):
            call.decide("answered", None, result=output)
    chat(answered([*rules, prompt, said], "Rain", "Sun"), **more)
    assert rounds() == [["Rain", "Sun"]]
    made = Run.objects.latest("pk")
    assert (made.prompt.text, made.conversation.system) == (
        prompt["content"], rules[0]["content"] if rules else "",
    )  # fmt: skip


def test_another_prompt_leaves_what_waits_alone(called, chat):
    _, (_, said) = called
    chat(answered([{"role": "user", "content": "Wind?"}, said], "Rain", "Sun"))
    assert (rounds(), results()) == ([["Rain", "Sun"]], ["", ""])


@pytest.mark.parametrize("end", ["stopped", "denied"])
def test_what_a_person_has_stopped_or_denied_stays_so(end, called, chat, laptop):
    run, history = called
    if end == "stopped":
        run.cancel(laptop)
    else:
        [call.decide("denied", laptop) for call in run.calls.all()]
    chat(answered(history, "Rain", "Sun"))
    assert Run.objects.count() == 1
    assert "Rain" not in results()


def test_somebody_elses_calls_are_history_and_nothing_more(called, bert):
    _, history = called
    headers = {"Authorization": f"Bearer {Device.issue_token(bert.pk, 'S')[1]}"}
    body = {"model": MODEL, "messages": answered(history, "Rain", "Sun")}
    sent = Client(headers=headers).post("/v1/chat/completions", body, "application/json")
    assert sent.status_code == STORED
    assert (rounds(), results()) == ([["Rain", "Sun"]], ["", ""])
    assert Run.objects.latest("pk").conversation.owner == bert


def test_a_call_of_nobodys_and_one_of_a_deleted_conversation_too(called, chat, laptop):
    run, history = called
    run.conversation.delete_softly(laptop)
    chat(answered(history, "Rain", "Sun"))
    calls = [{"id": "x", "type": "function", "function": {"name": "a", "arguments": "no JSON"}}]
    more = [*answered(history, "Rain", "Sun"), {"role": "assistant", "tool_calls": calls}]
    chat(answered(more, "y"))
    assert Run.objects.latest("pk").asked["rounds"][1]["calls"][0]["result"] == "y"


MANY = [{"type": "function", "function": {"name": f"n{n}"}} for n in range(129)]
WRONG = {
    "tools": [
        [{}], ["weather"], [{"type": "custom", "custom": {"name": "a"}}], [{"type": "function"}],
        [TOOL, TOOL], MANY, {"weather": TOOL}, [{"type": "function", "function": {"name": "a b"}}],
    ],
    "tool_choice": ["required", {"type": "function", "function": {"name": "weather"}}, 1],
    "functions": [[{"name": "weather"}]],
    "function_call": ["auto"],
    "n": [2, 0, "1"],
    "response_format": [{"type": "json_object"}, {"type": "json_schema", "json_schema": {}}, "x"],
    "logprobs": [True],
    "top_logprobs": [2],
    "logit_bias": [{"50256": -100}],
    "stop": ["\n", ["a"]],
    "audio": [{"voice": "alloy", "format": "wav"}],
    "modalities": [["text", "audio"], "audio"],
    "web_search_options": [{"search_context_size": "low"}],
    "stream_options": ["x"],
    "stream": ["yes"],
    "messages": [[{**HI, "content": [{"type": "video"}]}], [{**HI, "content": [1]}], [1], "x"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG.items() for value in values]
)
def test_what_cannot_be_done_is_refused_and_stores_nothing(field, value, chat):
    told = chat(**{"messages": [HI], field: value}, status=400)["error"]
    assert (told["type"], told["param"]) == ("invalid_request_error", field)
    assert len(told["message"]) > 10
    assert not Conversation.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"parallel_tool_calls": False}, {"store": False}, {"store": True}, {"unheard_of": {"x": 1}},
        {"tools": []}, {"tools": None}, {"tools": [TOOL], "tool_choice": "none"}, {"n": None},
        {"logprobs": False}, {"response_format": {"type": "text"}}, {"modalities": ["text"]},
        {"stream_options": {"include_usage": True}}, {"stop": None}, {"seed": 1}, {"stop": []},
        {"metadata": {"a": "b"}}, {"user": "u"}, {"frequency_penalty": 0.5},
    ],
)  # fmt: skip
def test_what_changes_nothing_is_taken(body, chat):
    chat([HI], **body)
    assert not Run.objects.get().asked.get("tools")


def test_long_histories_have_the_bounds_of_messages(called, chat, settings):
    _, history = called
    settings.STREAMS = settings.STREAMS | {"answer_characters": 100, "prompt_characters": 50}
    chat(answered(history, "x" * 60, "Sun"), status=413)
    told = chat([*answered(history, "x" * 60, "x" * 60), HI], status=413)
    assert told["error"]["param"] == "messages"
    assert results() == ["", ""]
    settings.STREAMS = settings.STREAMS | {"conversation_messages": 3}
    chat([*answered(history, "a", "b"), HI, {**HI, "role": "assistant"}, HI], status=400)


def called_elsewhere(numbers, result="Rain"):
    history = [HI]
    for number in range(numbers):
        function = {"name": "weather", "arguments": "{}"}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        history = answered([*history, {"role": "assistant", "tool_calls": [call]}], result)
    return history


def test_calls_since_the_prompt_count_as_messages(chat, settings):
    settings.STREAMS = settings.STREAMS | {"conversation_messages": 4}
    told = chat(called_elsewhere(4), status=400)["error"]
    assert (told["type"], told["code"]) == ("invalid_request_error", "conversation_full")
    told = chat([HI, {**HI, "role": "assistant"}, *called_elsewhere(2)], status=400)["error"]
    assert (told["code"], Conversation.objects.count()) == ("conversation_full", 0)
    chat(called_elsewhere(3))


def test_calls_since_the_prompt_are_as_long_as_an_answer_at_most(chat, settings):
    settings.STREAMS = settings.STREAMS | {"answer_characters": 200}
    told = chat(called_elsewhere(3, "x" * 60), status=413)["error"]
    assert (told["code"], told["param"]) == ("too_large", "messages")
    assert "200 characters in all" in told["message"]
    assert not Conversation.objects.exists()
    chat(called_elsewhere(2, "x" * 60))
