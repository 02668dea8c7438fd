"""A conversation is shared from its row, read by somebody who is not signed in, and taken back."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.processes import eventually
from tests.views.answers import begin, complete, say


def test_a_link_is_made_read_by_a_stranger_and_taken_back(open_as, laptop, conversation):
    run = conversation.post("What is tea?", laptop)[1]
    begin(run)
    say(run, "A **drink**:\n\n```sh\nbrew tea\n```\n")
    complete(run)
    page = open_as(laptop, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("link", name="More").first.click()
    page.locator("#streams-row-menu").get_by_role("link", name="Share").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link to What is tea?").input_value()
    page.get_by_role("button", name="Copy").click()
    eventually(lambda: page.evaluate("navigator.clipboard.readText()") == link)

    stranger = open_as(None, link)
    expect(stranger.locator("strong", has_text="drink")).to_be_visible()
    expect(stranger.get_by_role("button", name="Copy")).to_be_visible()

    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("No link has been made.")).to_be_visible()
    open_as.expected.append("404")
    stranger.reload()
    expect(stranger.get_by_text("This link isn't here any more.")).to_be_visible()
