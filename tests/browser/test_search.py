"""The search: by Ctrl+K from anywhere, and as a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.factories import ConversationFactory
from tests.views.answers import begin, complete, say
from tests.views.test_search import indexed

from .test_sidebar import LIVE


def test_an_old_sentence_is_found_by_the_keyboard_alone(open_as, laptop, conversation, anna):
    old = ConversationFactory(owner=anna, title="Travels")
    for n in range(12):
        run = old.post(f"Question {n}", laptop)[1]
        begin(run)
        say(run, "A long answer.\n\n" * 9 + f"The **lighthouse** number{n} stands there.")
        complete(run)
    indexed(old)
    page = open_as(laptop, f"/c/{conversation.uuid}/")
    expect(page.locator("main")).to_have_attribute(*LIVE)
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Search")
    page.keyboard.type("lightho number3")
    expect(dialog.locator("li")).to_have_count(1)
    expect(dialog.locator("mark")).to_have_text("lighthouse")
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("ArrowDown")
    expect(dialog.locator("a")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/c/{old.uuid}/?branch=*#m-*")
    expect(page.locator("main")).to_have_attribute(*LIVE)
    expect(page.locator(".answer:target")).to_contain_text("number3 stands")
    expect(page.locator(".answer:target p").nth(1)).to_be_in_viewport()
    page.keyboard.press("Control+k")
    page.keyboard.type("nothing of the kind")
    expect(dialog.get_by_text("Nothing found.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    plain = open_as(laptop, "/c/", java_script_enabled=False)
    plain.get_by_role("link", name="Search").click()
    plain.get_by_role("searchbox").fill("travels")
    plain.keyboard.press("Enter")
    expect(plain.locator(".found li")).to_have_count(1)
