"""A part of a conversation, read by itself, is that part of the whole."""

from __future__ import annotations

import random
from dataclasses import asdict

import pytest

from streams.conversation_snapshot import snapshot
from streams.log.message_window import window
from streams.models import Conversation, branching
from streams.models.branching import Imported
from streams.partial_conversation_snapshot import partial_snapshot
from tests.pages_read import fill, looked_at
from tests.views.answers import begin, complete, say

pytestmark = pytest.mark.django_db


def assert_same(whole, conversation, most, before=None, holding=None):
    part = partial_snapshot(conversation.pk, most, before, holding)
    branch = whole.branch(holding)
    ids, open = {message.id for message in branch}, whole.in_turn()
    needed = {run.message for run in open} | {holding or ""} if before is None else ()
    shown = window(branch, most, before, needed)
    told = [asdict(message) for message in part.transcript.messages]
    assert told == [asdict(message) for message in shown.messages]
    assert (part.begins, part.ends) == (shown.begins, shown.ends)
    known = {run["id"]: run for run in whole.as_dict()["runs"]}
    assert part.transcript.as_dict()["runs"] == [
        known[id] for id in known if id in part.transcript.runs
    ]
    assert {message.run for message in shown.messages} - {None} <= part.transcript.runs.keys()
    assert [run.id for run in part.transcript.in_turn()] == [run.id for run in open]
    assert part.front == next((run for run in open if run.message in ids), None)
    siblings = whole.siblings()
    for message in shown.messages:
        assert part.siblings.get(message.id) == siblings.get(message.id)
    assert part.newest == [each.id for each in whole.messages if each.run is None][-1]
    assert part.held == (holding if holding in ids else None)
    assert part.opening == "".join(block["text"] for block in branch[0].blocks)
    assert (part.elsewhere is None) == (len(ids) == len(whole.messages))
    if part.elsewhere is not None:
        assert part.end == branch[-1].id
        others = [message.id for message, _ in part.elsewhere]
        assert {*others} == {run.message for run in open} - ids
        for message, answers in part.elsewhere:
            assert answers == [run.prompt for run in whole.runs.values()].count(message.parent)


def answered(conversation, text, parent=None):
    _, run, _ = conversation.post(text, None, parent=parent)
    begin(run)
    say(run, f"Answer to {text}")
    complete(run)
    return run


def said_elsewhere(conversation, text):
    here = Conversation.lock(conversation.pk)
    branching.take_in(here, [Imported("user", text), Imported("assistant", "as it was")])


def grown(conversation, chance, branched):
    """Prompts, several answers to some, some said elsewhere, some taken back, some open."""
    runs = []
    for number in range(9):
        parent = str(chance.choice(runs).answer.uuid) if branched and number % 3 == 2 else None
        runs.append(answered(conversation, f"Prompt {number}", parent))
        match chance.randrange(4):
            case 0:
                again = chance.choice(runs).retry(None)
                begin(again)
                complete(again)
                runs.append(again)
            case 1:
                conversation.post("Taken back", None)[1].cancel(None)
            case 2:
                said_elsewhere(conversation, f"Elsewhere {number}")
    runs.append(conversation.post("Open", None)[1])
    begin(runs[-1])
    say(runs[-1], "so far", end=False)
    if branched:
        conversation.post("Elsewhere", None, parent=str(runs[0].answer.uuid))
    conversation.post("Waits", None)


@pytest.mark.parametrize("branched", [False, True])
def test_whatever_is_asked_for_it_is_that_part_of_the_whole(conversation, branched):
    chance = random.Random(branched)
    grown(conversation, chance, branched)
    whole = snapshot(conversation.pk).transcript
    for most in (1, 4, 7, 100, 0):
        assert_same(whole, conversation, most)
    for message in chance.sample(whole.messages, 12):
        assert_same(whole, conversation, 4, holding=message.id)
    numbers = range(conversation.messages.latest("seq").seq + 3)
    for before in chance.sample(numbers, 12):
        assert_same(whole, conversation, 4, before=before)
        assert_same(whole, conversation, 3, before=before, holding=chance.choice(whole.messages).id)
    assert_same(whole, conversation, 4, holding="not here")


def test_a_message_far_from_the_end_is_shown_with_what_is_around_it(conversation):
    said = [answered(conversation, f"Prompt {n}") for n in range(9)]
    conversation.post("Open", None)
    whole = snapshot(conversation.pk).transcript.messages
    numbers = {message.id: n for n, message in enumerate(whole)}
    for run, first, last in ((0, 0, 4), (4, 8, 12), (5, 10, 14), (6, 12, 20)):
        for message in (said[run].prompt, said[run].answer):
            part = partial_snapshot(conversation.pk, 4, holding=str(message.uuid), farthest=8)
            shown = [numbers[each.id] for each in part.transcript.messages]
            assert shown == [*range(first, last)]
            assert part.begins == (whole[first].seq if first else None)
            assert part.ends == (last < len(whole))
            assert part.held == str(message.uuid)
            assert part.end == whole[-1].id


def test_a_part_costs_the_same_however_long_the_conversation_is(anna):
    """What is branched has to be looked at from end to end."""
    costs = []
    for turns in (200, 2000):
        here = Conversation.objects.create(owner=anna, model="scripted:demo", last_seq=2 * turns)
        fill(here, turns)
        with looked_at() as pages:
            for before in (None, turns + 1):
                part = partial_snapshot(here.pk, 20, before)
                assert len(part.transcript.messages) == 20
                assert part.opening == "said"
        costs.append(sum(pages))
    assert costs[1] < 2 * costs[0]
