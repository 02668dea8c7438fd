"""Prompts that wait for their turn, on several devices."""

from __future__ import annotations

from playwright.sync_api import expect

from streams.models import Run
from tests.views.answers import begin, complete, say

from .test_several_devices import field


def test_a_prompt_that_waits_says_for_how_many_and_can_be_taken_back(
    open_as, laptop, phone, conversation, here
):
    one, two = open_as(laptop, here), open_as(phone, here)
    for text in ("First", "Second", "Third"):
        field(one).fill(text)
        one.keyboard.press("Enter")
        expect(two.locator(".prompt .said").last).to_have_text(text)
        if text == "First":
            begin(Run.objects.get())
            expect(one.locator(".answer").first).to_have_attribute("data-state", "thinking")
    words = ["Waiting for the answer before this one", "Waiting for 2 answers before this one"]
    for page in (one, two):
        expect(page.locator("[data-state=waiting] .ahead")).to_have_text(words)
    one.reload()
    expect(one.locator("[data-state=waiting] .ahead")).to_have_text(words)
    two.get_by_role("button", name="Take back").first.click()
    for page in (one, two):
        expect(page.locator(".prompt .said")).to_have_text(["First", "Third"])
        expect(page.locator("[data-state=waiting] .ahead")).to_have_text(words[:1])
    expect(field(two)).to_have_value("Second")


def test_stop_and_send_is_one_click(open_as, laptop, phone, conversation, here):
    page, other = open_as(laptop, here), open_as(phone, here)
    conversation.change(phone, on_busy="interrupt")
    conversation.refresh_from_db()
    _, run, _ = conversation.post("Long question", phone)
    begin(run)
    say(run, "Long answer", end=False)
    expect(other.locator(".answer")).to_have_attribute("data-state", "streaming")
    send = page.get_by_role("button", name="Stop and send")
    expect(page.locator(".next")).to_have_text("Stop and send")
    box = page.locator(".composer-box").bounding_box()
    field(page).fill("Never mind, this")
    expect(page.locator(".next")).to_be_visible()
    assert page.locator(".composer-box").bounding_box() == box, "what is said moves nothing"
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    send.click()
    expect(page.locator(".answer").first).to_have_attribute("data-state", "stopping")
    expect(other.locator(".prompt .said").last).to_have_text("Never mind, this")
    run.refresh_from_db()
    assert run.cancel_requested_at
    assert run.cancelled_by["name"] == "Laptop"


def test_a_prompt_that_goes_first_moves_the_others_back_everywhere(
    open_as, laptop, phone, conversation, here
):
    running = conversation.post("First", phone)[1]
    begin(running)
    conversation.post("Second", phone)
    one, two = open_as(laptop, here), open_as(phone, here)
    conversation = conversation.change(phone, on_busy="interrupt")
    urgent = conversation.post("Now", laptop)[1]
    waiting = "Waiting for {} before this one"
    places = [waiting.format("2 answers"), waiting.format("the answer")]
    for page in (one, two):
        expect(page.locator("[data-state=waiting] .ahead")).to_have_text(places)
    one.reload()
    expect(one.locator("[data-state=waiting] .ahead")).to_have_text(places)
    complete(running)
    for page in (one, two):
        expect(page.locator("[data-state=waiting] .ahead")).to_have_text(places[1:])
        expect(page.locator(f'[data-run="{urgent.uuid}"]')).to_have_attribute(
            "data-state", "thinking"
        )
    two.get_by_role("button", name="Stop", exact=True).click()
    expect(one.locator(".prompt .said")).to_have_text(["First", "Second"])


def test_a_prompt_on_another_branch_changes_a_count_alone(open_as, laptop, conversation, here):
    for text in ("One", "Two"):
        run = conversation.post(text, laptop)[1]
        begin(run)
        say(run, f"to {text}")
        complete(run)
    first = conversation.runs.earliest("pk")
    page = open_as(laptop, here)
    expect(page.locator(".prompt .said")).to_have_text(["One", "Two"])

    other = conversation.post("Other", laptop, parent=str(first.answer.uuid))[1]
    expect(page.locator(".siblings .count")).to_have_text(["1/2"])
    other.cancel(laptop)
    expect(page.locator(".siblings .count")).to_have_count(0)
    conversation.post("Anew", laptop, parent="")
    expect(page.locator(".siblings .count")).to_have_text(["1/2"])
    for _ in range(2):
        expect(page.locator(".prompt .said")).to_have_text(["One", "Two"])
        page.reload()
