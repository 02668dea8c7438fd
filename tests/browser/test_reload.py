"""The page can be reloaded at any moment, from any scroll position, in any state."""

from __future__ import annotations

import random

import pytest
from playwright.sync_api import expect

from tests.factories import ConversationFactory
from tests.views.answers import begin, complete, say

from .test_several_devices import field

SEEDS = 2
IN_ONE_CONVERSATION = 3
WIDTHS, HEIGHTS = (360, 700, 1280), (480, 700, 1100)
FOLDS = """(open) => {
  const folds = document.querySelectorAll("details.thoughts");
  [...folds].forEach((fold, at) => (fold.open = open[at % open.length]));
}"""
PLACES = {
    "end": "scrollTo(0, 1e9)",
    "a little above the end": "scrollTo(0, 1e9); scrollBy(0, -60)",
    "further above": "scrollTo(0, 1e9); scrollBy(0, -400)",
    "middle": "scrollTo(0, document.documentElement.scrollHeight / 2)",
    "top": "scrollTo(0, 0)",
}


def answer(run, number):
    """An answer in steps, each of which may be the last before a reload."""
    paragraph = "What is said at some length, so that there is something to scroll. " * 4 + "\n\n"
    yield lambda: begin(run)
    yield lambda: say(run, "Let me think.", kind="reasoning", end=False)
    for _ in range(2):
        yield lambda: say(run, paragraph * 5, start=False, end=False)
    yield lambda: say(run, "So.", start=False)
    yield lambda: say(run, f"## Answer {number}\n\n", index=1, end=False)
    for _ in range(3):
        yield lambda: say(run, paragraph * 3, index=1, start=False, end=False)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_page_loaded_again_at_any_moment_works(open_as, laptop, anna, request, seed):
    rounds = request.config.getoption("--reloads") // SEEDS
    chance = random.Random(seed)
    page = open_as(laptop)
    conversation = run = None
    for number in range(rounds):
        if number % IN_ONE_CONVERSATION == 0:
            conversation = ConversationFactory(owner=anna)
            run = conversation.post("Prompt", laptop)[1]
            page.goto(f"/c/{conversation.uuid}/")
        steps = list(answer(run, number))
        moment = chance.randrange(len(steps))
        for step in steps[:moment]:
            step()
        what = disturbed(page, chance)
        again = chance.choice([reloaded, reloaded, back_and_forward, away_and_back])
        again(page)
        for step in steps[moment:]:
            step()
        say(run, f"**The word {number}**\n\n", index=1, start=False, end=False)
        said = f"round {number}, after {moment} of {len(steps)} steps, {what}, {again.__name__}"
        expect(page.locator(".blocks strong").last, said).to_have_text(f"The word {number}")
        run = sends(page, f"Prompt {number}", conversation, run, said)
        assert open_as.complaints == [], said


def disturbed(page, chance):
    size = {"width": chance.choice(WIDTHS), "height": chance.choice(HEIGHTS)}
    place = chance.choice(list(PLACES))
    folds = [chance.random() < 0.5 for _ in range(2)]
    page.set_viewport_size(size)
    page.evaluate(FOLDS, folds)
    page.evaluate(PLACES[place])
    page.evaluate("() => new Promise(requestAnimationFrame)")  # the scroll's own event
    return f"{size}, {place}, folds {folds}"


def reloaded(page):
    page.reload()


def back_and_forward(page):
    page.go_back()
    page.go_forward()


def away_and_back(page):
    page.goto("/devices/")
    page.go_back()


def sends(page, text, conversation, run, said):
    """Sends a prompt by Enter, which is answered next."""
    field(page).fill(text)
    field(page).press("Enter")
    expect(page.locator(".transcript > .prompt .said").last, said).to_have_text(text)
    expect(field(page), said).to_have_value("")
    complete(run)
    return conversation.runs.order_by("-pk").first()
