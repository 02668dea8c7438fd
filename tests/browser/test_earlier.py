"""A long conversation: its newest part first, earlier ones as somebody scrolls up."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.views.answers import begin, complete, say

from .test_sidebar import LIVE


def test_earlier_messages_come_above_what_is_read(open_as, here, laptop, conversation):
    for number in range(120):
        run = conversation.post(f"Question {number}.", laptop)[1]
        begin(run)
        say(run, f"Answer {number}.")
        complete(run)
    first = conversation.messages.first()
    plain = open_as(laptop, here, java_script_enabled=False)
    expect(plain.locator(".prompt")).to_have_count(50)
    plain.get_by_role("link", name="Earlier messages").click()
    expect(plain.locator(".prompt").last).to_contain_text("Question 69.")
    plain.get_by_role("link", name="Newest messages").click()
    expect(plain.locator(".prompt").last).to_contain_text("Question 119.")

    page = open_as(laptop, here)
    expect(page.locator("main")).to_have_attribute(*LIVE)
    expect(page.locator(".prompt")).to_have_count(50)
    expect(page.locator(".answer").last).to_be_in_viewport()
    watched = page.locator(".prompt").nth(2)
    watched.scroll_into_view_if_needed()
    expect(page.locator(".prompt")).not_to_have_count(50)
    expect(page.get_by_text("Question 72.", exact=True)).to_be_in_viewport()
    expect(page.get_by_text("Question 69.", exact=True)).to_have_count(1)
    conversation.post("One more", laptop)
    expect(page.locator(".prompt").last).to_contain_text("One more")

    linked = open_as(laptop, f"{here}#m-{first.uuid}")
    expect(linked.locator(".prompt")).to_have_count(121)
    expect(linked.locator(".said").first).to_be_in_viewport()
    expect(linked.get_by_role("link", name="Earlier messages")).to_have_count(0)
    said = linked.locator(".said").all_text_contents()
    assert said == [*(f"Question {number}." for number in range(120)), "One more"]
