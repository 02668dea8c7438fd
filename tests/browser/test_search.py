"""The search: by Ctrl+K from anywhere, and as a page."""

from __future__ import annotations

import re

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


def talked(conversation, device, *answers):
    for n, answer in enumerate(answers):
        run = conversation.post(f"Question {n}", device)[1]
        begin(run)
        say(run, answer)
        complete(run)
    indexed(conversation)


def test_what_one_conversation_says_often_is_found_under_its_title(
    open_as, laptop, conversation, anna
):
    often = ConversationFactory(owner=anna, title="The lighthouse")
    once = ConversationFactory(owner=anna, title="Travels")
    talked(once, laptop, "There is a lighthouse.")
    talked(often, laptop, *[f"Lighthouse number {n}." for n in range(12)])
    page = open_as(laptop, "/c/")
    page.keyboard.press("Control+k")
    page.keyboard.type("lighthouse")
    dialog = page.get_by_role("dialog", name="Search")
    plain = open_as(laptop, "/c/search?q=lighthouse", java_script_enabled=False)
    for place in (dialog, plain.get_by_role("main")):
        expect(place.locator(".found > li")).to_have_count(2)
        first, second = place.locator(".found > li").all()
        expect(first.locator("strong")).to_have_text("The lighthouse")
        expect(first.locator("strong mark")).to_have_text("lighthouse")
        expect(first.locator("a:visible")).to_have_count(1 + 3)
        expect(second.locator("strong")).to_have_text("Travels")
        expect(second.locator("a")).to_contain_text("There is a lighthouse.")
        first.get_by_text("9 more in this conversation").click()
        expect(first.locator("a:visible")).to_have_count(1 + 10 + 1)
    expect(dialog.locator("a:visible time").first).to_have_text(re.compile(r"^\d\d:\d\d [AP]M$"))
    page.keyboard.press("Shift+Tab")
    for link in ("9 more", "number 8"):
        page.keyboard.press("ArrowDown")
        expect(dialog.locator(":focus")).to_contain_text(link)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert Axe().run(page).response["violations"] == []
    plain.get_by_role("link", name="Search in this conversation").click()
    expect(plain.locator(".found > li a")).to_have_count(12)
    plain.get_by_role("link", name="Search in all").click()
    expect(plain.locator(".found > li")).to_have_count(2)
