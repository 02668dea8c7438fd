"""Branches: page, model and log agree on which messages belong to one."""

from __future__ import annotations

import random

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from streams import log
from streams.conversation_snapshot import snapshot
from streams.exceptions import Invalid, NotFound, TooLarge
from streams.log import branches, transcript
from streams.log.transcript import MessageState
from streams.models import Conversation, Event, Message, Run, branching, editing, new_conversation
from streams.models.branching import Imported
from streams.providers.base import Result
from streams.worker import conversation_history, prompt_building
from tests.views.answers import begin, complete, fail, say
from tests.views.conftest import Api, browser_of
from tests.worker.in_process_worker import post, status, working

pytestmark = pytest.mark.django_db


def answered(conversation, text, answer, parent=None):
    prompt, run, _ = conversation.post(text, None, parent=parent)
    begin(run)
    say(run, answer)
    complete(run)
    return prompt, run


def named(message):
    return str(message.uuid)


def shown(conversation):
    """Returns what a page shows, after its snapshot was held against the log."""
    taken = snapshot(conversation.pk).transcript
    assert taken.as_dict() == transcript.fold(log.rows_after(conversation.pk)).as_dict()
    return [
        "".join(b["text"] for b in message.blocks if b["kind"] == "text")
        for message in taken.branch()
    ]


def test_without_a_parent_one_follows_the_other(conversation):
    answered(conversation, "One", "first")
    answered(conversation, "Two", "second")
    assert shown(conversation) == ["One", "first", "Two", "second"]
    assert not Message.objects.exclude(parent_seq=None).exists()
    created = Event.objects.filter(type="message.created").values_list("data", flat=True)
    assert not [data for data in created if "parent" in data]


def test_a_prompt_that_follows_an_earlier_answer_leaves_what_came_after(conversation):
    _, one = answered(conversation, "One", "first")
    _, two = answered(conversation, "Two", "second")
    answered(conversation, "Other two", "other", parent=named(one.answer))
    assert shown(conversation) == ["One", "first", "Other two", "other"]
    answered(conversation, "Three", "third")
    assert shown(conversation) == ["One", "first", "Other two", "other", "Three", "third"]
    answered(conversation, "Back", "there", parent=named(two.answer))
    assert shown(conversation) == ["One", "first", "Two", "second", "Back", "there"]
    edited, _ = answered(conversation, "Anew", "begun", parent="")
    assert shown(conversation) == ["Anew", "begun"]
    told = Event.objects.get(conversation_id=conversation.pk, seq=edited.seq).data
    assert told["parent"] == ""


def test_a_prompt_that_follows_a_prompt_is_not_told_its_answer(conversation):
    one, _ = answered(conversation, "One", "first")
    answered(conversation, "More", "second", parent=named(one))
    assert shown(conversation) == ["One", "More", "second"]


def test_the_last_message_as_a_parent_is_none(conversation):
    """So that another answer to it is followed too, as where nobody names one."""
    _, one = answered(conversation, "One", "first")
    two, _ = answered(conversation, "Two", "second", parent=named(one.answer))
    assert two.parent_seq is None
    again = one.retry(None)
    begin(again)
    say(again, "better")
    complete(again)
    assert shown(conversation) == ["One", "first", "better", "Two", "second"]
    three, _ = answered(conversation, "Three", "third", parent=named(one.answer))
    assert three.parent_seq == one.answer.seq
    assert shown(conversation) == ["One", "first", "Three", "third"]


def test_a_branch_that_is_taken_back_gives_way_to_the_one_before(conversation):
    _, one = answered(conversation, "One", "first")
    answered(conversation, "Two", "second")
    _, run, _ = conversation.post("Other", None, parent=named(one.answer))
    assert shown(conversation) == ["One", "first", "Other", ""]
    with pytest.raises(Invalid):
        conversation.post("?", None, parent=named(run.prompt))
    run.cancel(None)
    assert shown(conversation) == ["One", "first", "Two", "second"]
    for gone in (run.answer, run.prompt):
        with pytest.raises((NotFound, Invalid)):
            conversation.post("?", None, parent=named(gone))


def test_a_parent_is_a_message_of_this_conversation(conversation, bert):
    theirs = Conversation.objects.create(owner=bert, model="scripted:demo")
    foreign, _, _ = theirs.post("Hello", None)
    for parent in ("x", named(foreign), "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(NotFound) as refused:
            conversation.post("Hi", None, parent=parent)
        assert refused.value.field == "parent"
    assert not conversation.messages.exists()


def told(conversation, run):
    """Returns what the model is told for a run, by the worker's own query."""
    known = {"runs": [run.pk], "conversations": [conversation.pk], "prompts": [run.prompt.seq]}
    query = conversation_history.HISTORIES.replace(")b", ")s")
    with connection.cursor() as cursor:
        cursor.execute(query, known)
        ((_, history),) = cursor.fetchall()
    turns = prompt_building.turns(history)
    return [turn.text for turn in turns if not all(isinstance(it, Result) for it in turn.parts)]


def test_whatever_is_followed_the_model_is_told_what_the_page_shows(conversation, request):
    chance = random.Random(7)
    known = []
    for n in range(request.config.getoption("--examples") * 3):
        parent = chance.choice([None, None, "", *map(named, known[-8:])] if known else [None])
        if parent is not None and chance.random() < 0.3:
            calls = [CALL] if chance.random() < 0.3 else []
            said = [Imported("user", f"u{n}"), Imported("assistant", f"i{n}", (), calls)]
            locked = Conversation.lock(conversation.pk)
            known += branching.take_in(locked, said, parent)[-1:]
        _, run, _ = conversation.post(f"p{n}", None, parent=parent)
        assert told(conversation, run) == shown(conversation)[:-1], n
        begin(run)
        say(run, f"a{n}")
        complete(run)
        known.append(run.answer)


@pytest.mark.django_db(transaction=True)
async def test_a_model_is_asked_on_the_branch_it_answers(model, conversation, laptop):
    async with working():
        one = await post(conversation, laptop, "One")
        model.say("first").finish()
        await status(one, "completed")
        two = await post(conversation, laptop, "Two")
        model.say("second").finish()
        await status(two, "completed")
        after = await sync_to_async(lambda: named(one.answer))()
        asked = sync_to_async(conversation.post)
        _, other, _ = await asked("Other", laptop, parent=after)
        model.say("other").finish()
        await status(other, "completed")
        again = await sync_to_async(other.retry)(laptop)
        model.say("again").finish()
        await status(again, "completed")
    for prompt in model.prompts[-2:]:
        assert [turn.text for turn in prompt.turns] == ["One", "first", "Other"]


def test_messages_said_elsewhere_begin_a_conversation(anna, laptop):
    api = Api(browser_of(laptop))
    messages = [
        {"role": "assistant", "content": "Welcome"},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "assistant", "content": "Anything else?"},
    ]
    made = api("post", "/c/", {"messages": messages, "content": "Yes"})
    assert made.status_code == 201
    here = Conversation.objects.get(uuid=made.json()["id"])
    assert shown(here) == ["Welcome", "Hi", "Hello", "Anything else?", "Yes", ""]
    run = here.runs.get()
    assert told(here, run) == ["Welcome", "Hi", "Hello\n\nAnything else?", "Yes"]
    page = browser_of(laptop).get(f"/c/{here.uuid}/").content.decode()
    assert page.count('class="answer"') == 4 + 1  # and the template's
    alone = api("post", "/c/", {"messages": messages[:1]})
    assert shown(Conversation.objects.get(uuid=alone.json()["id"])) == ["Welcome"]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ("x", "invalid"),
        (["x"], "invalid"),
        ([{"role": "user"}], "invalid"),
        ([{"role": "user", "content": 1}], "invalid"),
        ([{"role": "system", "content": "x"}], "invalid"),
        ([{"role": "user", "content": " "}], "invalid"),
        ([{"role": "user", "content": "x" * 11}], "too_large"),
        ([{"role": "assistant", "content": "x" * 21}], "too_large"),
        ([{"role": "user", "content": "x"}] * 4, "conversation_full"),
    ],
)
def test_messages_that_cannot_be_taken_in_begin_nothing(messages, code, laptop, settings):
    bounds = {"prompt_characters": 10, "answer_characters": 20, "conversation_messages": 3}
    settings.STREAMS = settings.STREAMS | bounds
    refused = Api(browser_of(laptop))("post", "/c/", {"messages": messages, "content": "Go"})
    assert refused.json()["error"]["code"] == code
    assert not Conversation.objects.exists()


CALL = {"call_id": "call_1", "name": "look", "arguments": '{"at": 1}', "result": "<b>fog</b>"}


def test_calls_of_elsewhere_are_in_the_log_and_on_the_page(conversation, laptop):
    silent = Imported("assistant", "", (), [CALL])
    taken = branching.take_in(Conversation.lock(conversation.pk), [Imported("user", "Hi"), silent])
    assert shown(conversation) == ["Hi", ""]
    assert [block["kind"] for block in taken[1].blocks] == ["text", "tool_call"]
    _, run, _ = conversation.post("And?", None)
    assert told(conversation, run) == ["Hi", "", "And?"]
    page = browser_of(laptop).get(f"/c/{conversation.uuid}/").content.decode()
    assert "&lt;b&gt;fog&lt;/b&gt;" in page
    long = {**CALL, "result": "x" * 2_000_001}
    for wrong in (Imported("assistant", "", (), [long]), Imported("assistant", " ")):
        with pytest.raises((TooLarge, Invalid)):
            branching.take_in(Conversation.lock(conversation.pk), [wrong])


def test_a_first_prompt_sent_again_takes_nothing_in_twice(anna, laptop):
    before = [Imported("user", "Hi"), Imported("assistant", "Hello")]
    for new in (True, False):
        here, *_, was_new = new_conversation.begin_with(
            anna, "Go", laptop, "key", before, model="scripted:demo"
        )
        assert was_new is new
    assert shown(here) == ["Hi", "Hello", "Go", ""]


def test_a_page_of_a_branched_conversation_shows_one_branch(conversation, laptop):
    _, one = answered(conversation, "One", "first")
    answered(conversation, "Two", "what was left")
    browser = browser_of(laptop)
    assert "data-elsewhere" not in browser.get(f"/c/{conversation.uuid}/").content.decode()
    made = Api(browser)(
        "post", f"/c/{conversation.uuid}/messages",
        {"content": "Other", "parent": named(one.answer)},
    )  # fmt: skip
    assert made.status_code == 201
    page = browser.get(f"/c/{conversation.uuid}/").content.decode()
    assert "data-elsewhere" in page
    assert "what was left" not in page
    whole = Api(browser)("get", f"/c/{conversation.uuid}/").json()["messages"]
    assert [each["parent"] for each in whole if each["role"] == "user"] == [
        None, None, named(one.answer),
    ]  # fmt: skip


def test_an_answer_that_failed_can_be_followed(conversation):
    _, run, _ = conversation.post("One", None)
    begin(run)
    fail(run)
    answered(conversation, "Two", "second")
    _, other, _ = conversation.post("Other", None, parent=named(run.answer))
    assert told(conversation, other) == ["One\n\nOther"]


def test_a_branch_whose_parent_is_unknown_begins_there():
    rows = [
        transcript.Row(1, "message.created", {"message": "a", "role": "user", "text": "A"}),
        transcript.Row(
            2, "message.created", {"message": "b", "role": "user", "text": "B", "parent": "gone"}
        ),
    ]
    assert [message.id for message in transcript.fold(rows).branch()] == ["b"]


@pytest.mark.parametrize("seed", range(30))
def test_each_message_is_in_the_branch_that_holds_it(seed):
    chance = random.Random(seed)
    messages = random_tree(chance)
    siblings = branches.siblings(messages)
    for message in messages:
        branch = branches.holding(messages, message.id)
        ids = [each.id for each in branch]
        assert message.id in ids
        assert len({*ids}) == len(ids)
        assert branches.holding(messages, ids[-1]) == branch  # a page that stays shows the same
        place = siblings.get(message.id, [message.id])
        assert message.id in place
        assert all(siblings.get(other, place) == place for other in place)
    newest = branches.ending_at_newest(messages)
    assert branches.holding(messages, newest[-1].id) == newest
    assert branches.holding(messages, "not here") == newest


def random_tree(chance):
    found: list[MessageState] = []
    for number in range(1, chance.randrange(3, 15)):
        parent = None
        if found and chance.random() < 0.4:
            parent = chance.choice(["", *(each.id for each in found)])
        found.append(MessageState(f"p{number}", number, "user", parent=parent))
        for nth in range(chance.randrange(3)):
            id = f"a{number}.{nth}"
            found.append(MessageState(id, number, "assistant", run=id, parent=f"p{number}"))
    return found


def test_a_prompt_goes_to_the_end_of_the_branch_that_holds_a_message(conversation):
    _, one = answered(conversation, "One", "first")
    _, two = answered(conversation, "Two", "second")
    assert conversation.post("Three", None, branch=named(one.answer))[0].parent_seq is None
    Run.objects.get(prompt__seq=conversation.messages.last().seq - 1).cancel(None)
    prompt, _, _ = editing.ask_again(two.prompt, "Other two", None)
    assert prompt.parent_seq == one.answer.seq
    began = prompt.runs.get()
    begin(began)
    complete(began)
    three, _, _ = conversation.post("Three", None, branch=named(two.answer))
    assert three.parent_seq == two.answer.seq
    with pytest.raises(NotFound):
        conversation.post("?", None, branch="00000000-0000-0000-0000-000000000000")


def test_asked_again_as_it_is_another_model_answers_the_same_prompt(conversation):
    one, run = answered(conversation, "One", "first")
    same, again, created = editing.ask_again(one, "One ", None, model="scripted:other")
    assert (same, created) == (one, True)
    assert (again.prompt, again.model) == (one, "scripted:other")
    assert run.conversation.model != "scripted:other"
    begin(again)
    complete(again)
    edited, third, _ = editing.ask_again(one, "Uno", None, model="scripted:third")
    assert (edited.parent_seq, third.model) == (0, "scripted:third")
    with pytest.raises(Invalid):
        editing.ask_again(run.answer, "Said", None)


def test_a_client_that_knows_one_answer_each_is_shown_the_last():
    def message(id, run=None):
        return MessageState(id, 1, "assistant" if run else "user", [], run=run)

    branch = [message("a"), message("b", "1"), message("c", "2"), message("d"), message("e")]
    assert [each.id for each in branches.answered_once(branch)] == ["a", "c", "d", "e"]
    assert branches.answered_once([]) == []


def test_a_prompt_of_another_branch_joins_no_answer(conversation):
    conversation.change(None, on_busy="steer")
    answered(conversation, "One", "first")
    _, two = answered(conversation, "Two", "second")
    _, running, _ = editing.ask_again(two.prompt, "Other two", None)
    begin(running)
    assert not conversation.post("Three", None, branch=named(two.answer))[1].steers
    conversation.refresh_from_db()
    assert conversation.post("More", None, branch=named(running.answer))[1].steers
    conversation.change(None, on_busy="interrupt")
    conversation.post("No, other", None, parent="")  # which would absorb what is said elsewhere
    assert not conversation.runs.filter(steers=True).exists()


def test_an_edited_prompt_joins_no_answer_of_the_branch_it_leaves(conversation):
    conversation.change(None, on_busy="steer")
    one, first, _ = conversation.post("One", None)
    begin(first)
    assert not editing.ask_again(one, "Uno", None)[1].steers
    Run.objects.latest("pk").cancel(None)
    complete(first)
    two, second, _ = conversation.post("Two", None, parent=named(first.answer))
    begin(second)
    assert not editing.ask_again(two, "Due", None)[1].steers
    assert conversation.post("More", None, parent=named(second.answer))[1].steers
