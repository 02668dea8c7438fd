"""The real clients of other protocols lose the web process or the worker in mid-answer.

All of them lose the same one at once. `--kills 20` is once more for each word of a longer answer.
"""

from __future__ import annotations

import pytest

from streams.models import Message, Run
from tests.processes import eventually

from .witnesses.witness import RESUMED, WITNESSES, all_ended, all_show, wrong

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
NOT_RESUMED = "openai-python, Chat Completions"


@pytest.fixture
def kills(pytestconfig):
    return pytestconfig.getoption("--kills")


@pytest.fixture
def witnesses(witness):
    return {name: witness(name) for name in WITNESSES}


def asked_of_the_model(told):
    """Returns how often the model was asked, by prompt."""
    prompts = [request["messages"][-1]["content"] for request in told.requests]
    return {prompt: prompts.count(prompt) for prompt in prompts}


def stored():
    """The answers in the database by prompt, once nothing is being written any more."""
    eventually(lambda: not Run.objects.filter(status__in=Run.OPEN).exists())
    found = Run.objects.select_related("prompt", "answer")
    return {run.prompt.text: run.answer.text for run in found}


GOOD_ENDS = {
    "openai-python, Responses": "completed",
    "openai-node": "completed",
    "AI SDK 7, useChat": "ready",
    "AG-UI": "success",
    "TanStack AI": "",  # no error
}


def test_the_web_process_is_killed(witness, witnesses, told, crew, kills):
    """The text is whole, nothing comes twice, and the model is asked once."""
    text, once = "", [witnesses.pop(NOT_RESUMED)]
    for n in range(kills):
        word = f"word {n} "
        text += word
        told.say(word)
        all_show(text, once[-1], *witnesses.values())
        crew.kill_web()
        all_ended(once[-1])
        assert not wrong(once[-1], pieces=[text], end="cut")
        if n + 1 < kills:
            once.append(witness(NOT_RESUMED, prompt=f"{NOT_RESUMED} {n + 2}"))
    told.answer("and the end")
    text += "and the end"
    all_ended(*witnesses.values())
    faults = {
        name: wrong(each, pieces=[text], stands=text, messages=2, end=GOOD_ENDS[name])
        for name, each in witnesses.items()
    }
    assert faults == {key: {} for key in RESUMED}
    for each in witnesses.values():
        assert all(text.startswith(shown) for shown in each.all_told("shown")), each.lines
    asked = [each.name for each in (*once, *witnesses.values())]
    assert stored() == dict.fromkeys(asked, text)
    assert asked_of_the_model(told) == dict.fromkeys(asked, 1)
    assert told.closed == 0


def test_the_worker_is_killed(witness, witnesses, told, crew, kills):
    """What was lost is told apart from what stands, and only that is there afterwards."""
    lost, once = [], witnesses.pop(NOT_RESUMED)
    for n in range(kills):
        lost.append(f"lost {n}")
        told.say(lost[-1])
        all_show("|".join(lost), *witnesses.values())
        if n == 0:
            all_show(lost[0], once)
        crew.kill_worker()
        eventually(lambda n=n: told.closed == (n + 1) * len(WITNESSES))
        told.to_all()
        crew.worker()
    told.answer("What stands")
    all_ended(once, *witnesses.values())
    faults = {
        name: wrong(
            each,
            pieces=[*lost, "What stands"],
            stands="What stands",
            end=GOOD_ENDS[name],
        )
        for name, each in witnesses.items()
    }
    assert faults == {key: {} for key in RESUMED}
    assert once.ended["pieces"] == lost[:1]
    assert "begin again" in once.ended["end"]
    assert stored() == dict.fromkeys(WITNESSES, "What stands")
    assert asked_of_the_model(told) == dict.fromkeys(WITNESSES, kills + 1)
    assert Message.objects.filter(role="assistant").count() == len(WITNESSES)
