"""Titles: from the model when it gives one, from the prompt when not, never over a person's."""

from __future__ import annotations

import dataclasses

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from streams import log
from streams.conf import conf
from streams.conversation_list_query import name_of
from streams.models import Conversation
from streams.postgres.connections import pool
from streams.providers.base import Code, ProviderError
from streams.providers.local import Local
from streams.worker import title
from streams.worker.claimed_run import Claimed
from streams.worker.title import LONGEST, Titles, first_words, usable
from tests.fake_provider import Obedient
from tests.views.answers import begin, complete, fail, say, stop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Rain in Spain", "Rain in Spain"),
        ('"Rain in Spain."\n', "Rain in Spain"),
        ("\n\n**Title: Rain in Spain**\nBecause you asked", "Rain in Spain"),
        ("“Regen”", "Regen"),
        ("雨について", "雨について"),
        ("A\ttab and\x07 a bell", "A tab and a bell"),
        ("", ""),
        ("...", ""),
        ('"Yes" and "no"', '"Yes" and "no"'),
        ("‘It’s raining’", "It’s raining"),
        ("What is new in Node.js vs. Deno?", "What is new in Node.js vs. Deno?"),
        ("Hello World in Rust", "Hello World in Rust"),
        ("Sure! Here is a title for the conversation that you have just shown me, as asked", ""),
        ("Sure, Rain in Spain", ""),
        ("Here’s a title", ""),
        ("A title of far too many words is no title at all", ""),
        ("Rain in Spain\nIt rains mainly in the plain.", ""),
        ("Hello! How can I assist you today?\n</prompt>\n\nThe answer is no.", ""),
        ("Hello! How can I assist you today?", ""),
        ("It rains. In Spain", ""),
        ("```python\ndef reverse(head):", ""),
        ("```reverse```", ""),
        ("<prompt> of rain", ""),
        ("アニバルアルアルアルアルアルアルアル", ""),
        ("la femme, la femme, la femme, la femme", ""),
        ("No, no, no", ""),
        ("no no no", ""),
        ("Ha ha ha", ""),
        ("Da, da, da.", ""),
        ("No.", ""),
        ("Yes, yes", ""),
        ("Untitled", ""),
        ("No vowels in Welsh", "No vowels in Welsh"),
        ("New York, New York", "New York, New York"),
    ],
)
def test_what_a_model_says_is_made_a_title_or_refused(said, kept):
    assert usable(said) == kept


def test_the_first_words_fit_and_break_between_words():
    assert first_words("  What is\n new? ") == "What is new?"
    long = first_words("word " * 30)
    assert len(long) <= LONGEST
    assert long.endswith("word…")
    assert len(first_words("x" * 100)) == LONGEST


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("# Heading **one**\n\n- a *very* long `text`", "Heading one a very long text"),
        ("> ***quoted***\n```python\nprint(1)\n```", "quoted print(1)"),
        ("- ~~a~~\n* b\n+ c\n1. d", "a b c 1. d"),
        ("日本**太字**語", "日本太字語"),
        ("2**3 and 2**4, 5 * 3 * 2", "2**3 and 2**4, 5 * 3 * 2"),
        ("def f(*args, **kwargs): __init__", "def f(*args, **kwargs): __init__"),
        ("#hashtag -x ~ *.py and *.js", "#hashtag -x ~ *.py and *.js"),
        ("**", "**"),
        ("```", "New conversation"),
    ],
)
def test_the_first_words_are_read_without_marks(prompt, name):
    assert name_of("", prompt) == name
    assert first_words(prompt) == name or name == "New conversation"
    assert name_of("**Mine**", prompt) == "**Mine**"


@pytest.fixture(autouse=True)
async def _close():
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def model(monkeypatch):
    provider = Obedient()
    monkeypatch.setattr(title, "resolve", lambda name: (provider, name))
    return provider


@pytest.fixture
async def give():
    """Ask for the title of a run's conversation, as a worker does when the run has ended."""
    connections_of_a_worker = pool("worker", most=2)
    await connections_of_a_worker.open()

    async def given(run, within=1.0):
        settings = dataclasses.replace(conf(), title_within=within)
        titles = Titles(connections_of_a_worker, settings)
        await titles.give(
            Claimed(
                run.pk,
                str(run.uuid),
                run.conversation_id,
                run.answer_id,
                1,
                run.model,
                1,
                0,
                0,
                "",
                1,
            )
        )
        here = await Conversation.objects.aget(pk=run.conversation_id)
        return here.title

    yield given
    await connections_of_a_worker.close()


async def answered(conversation, text="What is the weather in Spain today, and why is it so?"):
    return await ended(conversation, text, "completed")


@sync_to_async
def ended(conversation, text, status):
    Conversation.objects.filter(pk=conversation.pk).update(model="local:any")
    conversation.refresh_from_db()
    _, run, _ = conversation.post(text, None)
    begin(run)
    say(run, "It rains.")
    {"completed": complete, "cancelled": stop, "failed": fail}[status](run)
    return run


async def test_the_first_answer_gets_a_title_that_is_an_event(conversation, model, give):
    model.say("“Rain ", "in Spain”").finish()
    run = await answered(conversation)
    assert await give(run) == "Rain in Spain"
    shown = model.prompts[0].turns[0].text
    assert "weather in Spain" in shown
    assert "It rains." in shown
    last = (await sync_to_async(log.rows_after)(conversation.pk))[-1]
    assert (last.type, last.data) == ("conversation.updated", {"title": "Rain in Spain"})


async def test_only_the_first_title_is_worth_a_question(conversation, model, give):
    model.say("Rain in Spain").finish()
    await give(await answered(conversation))
    await sync_to_async(conversation.change)(None, title="")
    assert await give(await answered(conversation)) == "", "who took it away has no need of one"
    assert len(model.prompts) == 1


@pytest.mark.parametrize("ending", ["completed", "cancelled", "failed"])
async def test_the_first_prompt_gives_the_title_whatever_became_of_it(
    conversation, model, give, ending
):
    model.say("Rain in Spain").finish()
    run = await ended(conversation, "Why does it rain?", ending)
    assert await give(run) == ("Why does it rain?" if ending == "failed" else "Rain in Spain")
    assert len(model.prompts) == (ending != "failed"), "what has just failed is not asked again"


@pytest.mark.parametrize("ending", ["cancelled", "failed"])
async def test_a_later_answer_names_the_conversation_after_its_first_prompt(
    conversation, model, give, ending
):
    """The worker that should have asked was lost, or the run ended with nobody holding it."""
    await ended(conversation, "Why does it rain?", ending)
    taken_back = await sync_to_async(conversation.post)("Never mind", None)
    await sync_to_async(taken_back[1].cancel)(None)
    model.say("Rain in Spain").finish()
    assert (
        await give(await ended(conversation, "And why in Spain?", "completed")) == "Rain in Spain"
    )
    asked = model.prompts[0].turns[0].text
    assert "Why does it rain?" in asked
    assert "And why in Spain?" not in asked


async def test_a_prompt_that_was_taken_back_names_nothing(conversation, model, give):
    taken_back = await sync_to_async(conversation.post)("Never mind", None)
    await sync_to_async(taken_back[1].cancel)(None)
    assert await give(taken_back[1]) == ""
    run = await ended(conversation, "Why does it rain?", "failed")
    assert await give(run) == "Why does it rain?"


async def test_a_name_a_person_gave_stays(conversation, model, give):
    run = await answered(conversation)
    await sync_to_async(conversation.change)(None, title="Mine")
    assert await give(run) == "Mine"
    assert model.prompts == []


async def test_a_name_given_while_the_model_was_asked_stays(conversation, model, give, monkeypatch):
    run = await answered(conversation)

    async def slowly(*_):
        await sync_to_async(conversation.change)(None, title="Mine")
        return "Rain in Spain"

    monkeypatch.setattr(title, "answered", slowly)
    assert await give(run) == "Mine"
    rows = await sync_to_async(log.rows_after)(conversation.pk)
    assert [row.data for row in rows if row.type == "conversation.updated"] == [{"title": "Mine"}]


@pytest.mark.parametrize("trouble", ["fails", "is silent", "talks"])
async def test_a_model_that_gives_no_title_is_passed_over(conversation, model, give, trouble):
    if trouble == "fails":
        model.fail(ProviderError(Code.OVERLOADED))
    if trouble == "talks":
        model.say(*["So you would like a title? "] * 100)
    run = await answered(conversation)
    assert await give(run) == "What is the weather in Spain today, and why is it so?"
    assert model.closed == 1


async def test_a_deleted_conversation_and_an_answer_still_open_get_none(conversation, model, give):
    _, run, _ = await sync_to_async(conversation.post)("Hi", None)
    assert await give(run) == ""
    over = await answered(conversation)
    await sync_to_async(conversation.delete_softly)(None)
    assert await give(over) == ""


async def test_a_worker_that_is_told_not_to_asks_nothing(conversation, model):
    quiet = Titles(pool("worker", most=1), dataclasses.replace(conf(), title_within=0.0))
    await quiet.give(None)
    assert model.prompts == []


@pytest.mark.parametrize(
    "asked",
    ["What is the capital of France, and what should I see there in two days?", "hi"],
)
async def test_the_real_local_model_gives_a_title_or_the_first_words(
    conversation, give, llama_url, monkeypatch, caplog, asked
):
    local = Local(llama_url)
    monkeypatch.setattr(title, "resolve", lambda name: (local, "smollm2"))
    run = await answered(conversation, asked)
    with caplog.at_level("INFO", logger="streams.title"):
        given = await give(run, within=60.0)
    assert caplog.messages == [], "the model was asked, and answered"
    assert given == (usable(given) or first_words(asked))
    assert len(given) <= LONGEST
    await local.aclose()
