"""Prompts edited and asked again: two devices on two branches of one conversation."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from streams.models import Run, editing
from tests.processes import eventually
from tests.views.answers import begin, complete, say

from .test_people import field


def answered(conversation, device, text, answer):
    _, run, _ = conversation.post(text, device)
    begin(run)
    say(run, answer)
    complete(run)
    return run


def ended(run, answer):
    begin(run)
    say(run, answer)
    complete(run)


def said(page):
    return page.locator(".transcript > .prompt > .said")


def newest():
    return Run.objects.select_related("prompt", "answer").order_by("pk").last()


def count(page, text):
    return page.locator(".transcript > .prompt", has_text=text).locator(".siblings .count")


def test_two_devices_look_at_two_branches(open_as, laptop, phone, conversation, here):
    answered(conversation, laptop, "One", "first")
    answered(conversation, laptop, "Two", "second")
    desk, hand = open_as(laptop, here), open_as(phone, here)
    for page in (desk, hand):
        expect(page.locator("[data-connection=live]")).to_be_attached()

    # Escape leaves the form and stops nothing; what was asked is a branch, and the phone stays.
    two = desk.locator(".transcript > .prompt", has_text="Two")
    two.hover()
    two.get_by_role("link", name="Edit").click()
    edited = desk.get_by_label("Edited message")
    expect(edited).to_be_focused()
    edited.press("Escape")
    expect(two.get_by_role("link", name="Edit")).to_be_focused()
    desk.keyboard.press("Enter")
    for page in (desk, hand):
        page.evaluate("window.stayed = true")
    desk.get_by_label("Edited message").fill("Other two")
    desk.get_by_role("button", name="Ask again").click()
    expect(said(desk)).to_have_text(["One", "Other two"])
    expect(count(desk, "Other two")).to_have_text("2/2")
    expect(count(hand, "Two")).to_have_text("1/2")
    expect(said(hand)).to_have_text(["One", "Two"])
    expect(field(desk)).to_be_focused()
    assert desk.evaluate("window.stayed"), "shown in place, not by another page"

    # An answer is written there: here is nothing to stop, and a prompt waits for its turn.
    other = newest()
    begin(other)
    say(other, "Elsewhere", end=False)
    expect(desk.get_by_role("button", name="Stop")).to_be_visible()
    expect(hand.get_by_role("button", name="Stop")).to_be_hidden()
    field(hand).fill("Three")
    hand.keyboard.press("Enter")
    expect(said(hand)).to_have_text(["One", "Two", "Three"])
    expect(hand.locator(".waiting:visible")).to_have_count(1)
    expect(said(desk)).to_have_text(["One", "Other two"])
    three = newest()
    assert three.prompt.parent_seq is not None
    hand.get_by_role("button", name="Stop").click()
    expect(said(hand)).to_have_text(["One", "Two"])
    eventually(lambda: Run.objects.get(pk=three.pk).status == "cancelled")
    assert Run.objects.get(pk=other.pk).status == "running"
    assert field(hand).input_value() == "Three"
    assert hand.evaluate("window.stayed")
    complete(other)

    # Loaded again, each shows its own; a step leads to the other, by keys too.
    hand.reload()
    expect(said(hand)).to_have_text(["One", "Two"])
    field(hand).press("Enter")
    expect(said(hand)).to_have_text(["One", "Two", "Three"])
    third = newest()
    ended(third, "third")
    expect(hand.locator(".transcript > .answer").last).to_contain_text("third")
    field(hand).fill("Four")
    hand.keyboard.press("Enter")
    expect(said(hand)).to_have_text(["One", "Two", "Three", "Four"])
    hand.wait_for_url(f"**?branch={third.answer.uuid}")
    ended(newest(), "fourth")
    hand.get_by_role("link", name="Version after").press("Enter")
    expect(said(hand)).to_have_text(["One", "Other two"])
    expect(hand.get_by_role("link", name="Version before")).to_be_focused()
    hand.keyboard.press("Enter")
    expect(said(hand)).to_have_text(["One", "Two", "Three", "Four"])


def test_an_answer_asked_for_anew_is_a_step_from_the_one_before(
    open_as, laptop, phone, conversation, here
):
    first = answered(conversation, laptop, "One", "first")
    desk, hand = open_as(laptop, here), open_as(phone, here)
    for page in (desk, hand):
        expect(page.locator("[data-connection=live]")).to_be_attached()
    desk.get_by_role("button", name="Retry").click()
    answers = desk.locator(".transcript > .answer")
    expect(answers.locator(".count")).to_have_text("2/2")
    ended(newest(), "again")
    expect(hand.locator(".transcript > .answer")).to_contain_text("again")
    desk.get_by_role("link", name="Version before").click()
    expect(answers).to_contain_text("first")
    expect(answers.locator(".count")).to_have_text("1/2")

    # Who has gone back stays there, and what is said there follows that answer.
    hand.get_by_role("button", name="Retry").click()
    expect(hand.locator(".answer .count")).to_have_text("3/3")
    expect(answers.locator(".count")).to_have_text("1/3")
    ended(newest(), "third")
    field(desk).fill("And so?")
    desk.keyboard.press("Enter")
    expect(said(desk)).to_have_text(["One", "And so?"])
    eventually(lambda: newest().prompt.parent_seq == first.answer.seq)
    expect(hand.locator(".transcript > .answer")).to_contain_text("third")
    expect(said(hand)).to_have_text(["One"])
    hand.reload()
    expect(hand.locator(".transcript > .answer")).to_contain_text("third")

    # What followed the answer before leaves the page with it, and keeps its turn.
    desk.evaluate("window.stayed = true")
    waiting = newest()
    desk.get_by_role("button", name="Retry").first.click()
    expect(answers.locator(".count")).to_have_text("4/4")
    expect(said(desk)).to_have_text(["One"])
    expect(desk.locator(".waiting:visible")).to_contain_text("Waiting for the answer before")
    ended(waiting, "so")
    ended(newest(), "fourth")
    expect(answers).to_contain_text("fourth")
    assert desk.evaluate("window.stayed")

    # The same words again are one more answer.
    desk.locator(".transcript > .prompt").hover()
    desk.get_by_role("link", name="Edit").click()
    desk.get_by_role("button", name="Ask again").click()
    expect(answers.locator(".count")).to_have_text("5/5")
    ended(newest(), "fifth")
    expect(answers).to_contain_text("fifth")
    assert desk.evaluate("window.stayed")
    desk.reload()
    expect(answers).to_contain_text("fifth")


def test_without_scripts_a_prompt_is_edited_by_links_and_a_form(
    open_as, laptop, conversation, here
):
    answered(conversation, laptop, "One", "first")
    answered(conversation, laptop, "Two", "second")
    page = open_as(laptop, here, java_script_enabled=False)
    page.locator(".prompt", has_text="Two").get_by_role("link", name="Edit").click(force=True)
    page.get_by_label("Message").fill("Other two")
    page.get_by_role("button", name="Ask again").click()
    expect(said(page)).to_have_text(["One", "Other two"])
    page.get_by_role("link", name="Version before").click()
    expect(said(page)).to_have_text(["One", "Two"])
    ended(newest(), "other")
    field(page).fill("Three")
    page.get_by_role("button", name="Send").click()
    expect(said(page)).to_have_text(["One", "Two", "Three"])


def live(page):
    return expect(page.locator("[data-connection=live]")).to_be_attached()


def test_a_step_shows_the_branch_in_place_and_back_leads_back(
    open_as, laptop, phone, conversation, here
):
    fold = "<details><summary>Fold</summary>\n\ninside\n\n</details>"
    answered(conversation, laptop, "One", fold)
    answered(conversation, laptop, "Two", "A long answer.\n\n" * 40)
    page = open_as(laptop, here)
    live(page)
    two = page.locator(".transcript > .prompt", has_text="Two")
    two.hover()
    two.get_by_role("link", name="Edit").click()
    page.get_by_label("Edited message").fill("Other two")
    page.get_by_role("button", name="Ask again").click()
    expect(said(page)).to_have_text(["One", "Other two"])
    other = newest()
    begin(other)
    say(other, "Half ", end=False)
    expect(page.locator(".transcript > .answer").last).to_contain_text("Half")
    page.locator("details", has_text="inside").locator("summary").click()
    page.evaluate("window.stayed = true")

    # Nothing is loaded anew: the fold stays open, and the control where the pointer is.
    before = page.get_by_role("link", name="Version before")
    before.scroll_into_view_if_needed()
    at = before.bounding_box()["y"]
    before.click()
    expect(said(page)).to_have_text(["One", "Two"])
    expect(count(page, "Two")).to_have_text("1/2")
    after = page.get_by_role("link", name="Version after")
    expect(after).to_be_focused()
    eventually(lambda: abs(after.bounding_box()["y"] - at) < 2)
    expect(page.get_by_text("inside")).to_be_visible()
    page.wait_for_url("**?branch=*")
    share = page.locator("#streams-settings a[href*=shares]")
    share.dispatch_event("pointerdown")
    shown = page.locator(".transcript > .answer").last.get_attribute("data-message")
    expect(share).to_have_attribute("href", re.compile(rf"\?branch={shown}$"))

    # What is said there meanwhile is there on the way back, once.
    say(other, "of an ", start=False, end=False)
    page.go_back()
    last = page.locator(".transcript > .answer").last
    expect(said(page)).to_have_text(["One", "Other two"])
    expect(last).to_contain_text("Half of an")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    say(other, "answer", start=False)
    complete(other)
    expect(last.locator(".blocks")).to_have_text("Half of an answer")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page.go_forward()
    expect(said(page)).to_have_text(["One", "Two"])
    after.press("Enter")
    expect(said(page)).to_have_text(["One", "Other two"])
    field(page).fill("Three")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text(["One", "Other two", "Three"])
    assert newest().prompt.parent_seq in (None, other.answer.seq)
    ended(newest(), "third")
    expect(last).to_contain_text("third")
    assert page.evaluate("window.stayed"), "shown in place, not by another page"
    page.reload()
    expect(said(page)).to_have_text(["One", "Other two", "Three"])

    # Without a network the step is not taken, and what is here stays.
    live(page)
    open_as.expected.append("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    page.get_by_role("link", name="Version before").click()
    expect(page.locator("#streams-brief")).to_contain_text("didn't get through")
    expect(said(page)).to_have_text(["One", "Other two", "Three"])
    page.context.set_offline(False)
    page.get_by_role("link", name="Version before").click()
    expect(said(page)).to_have_text(["One", "Two"])


def test_a_step_in_a_long_conversation_brings_the_earlier_messages_of_its_branch(
    open_as, laptop, conversation, here
):
    first = answered(conversation, laptop, "Number 0", "first")
    for n in range(1, 70):
        answered(conversation, laptop, f"Number {n}", "so")
    editing.ask_again(first.prompt, "Other", laptop)
    ended(newest(), "other")
    page = open_as(laptop, here)
    live(page)
    expect(said(page)).to_have_text(["Other"])
    page.evaluate("window.stayed = true")
    page.get_by_role("link", name="Version before").click()
    expect(said(page).last).to_have_text("Number 69")
    page.evaluate("scrollTo(0, 0)")
    expect(said(page).first).to_have_text("Number 0")
    expect(page.locator("#streams-earlier")).to_have_count(0)
    assert page.evaluate("window.stayed")
    page.go_back()
    expect(said(page)).to_have_text(["Other"])
    assert page.evaluate("window.stayed")


def test_what_is_said_while_a_step_is_on_its_way_is_there_once(open_as, laptop, conversation, here):
    one = answered(conversation, laptop, "One", "first")
    other = editing.ask_again(one.prompt, "Other", laptop)[1]
    ended(other, "other")
    two = conversation.post("Two", laptop, parent=str(one.answer.uuid))[1]
    begin(two)
    say(two, "Half ", end=False)
    page = open_as(laptop, f"{here}?branch={other.answer.uuid}")
    live(page)
    page.evaluate("window.stayed = true")

    def late(route):
        answer = route.fetch()
        say(two, "of an ", start=False, end=False)
        conversation.change(laptop, title="Known to the page")
        expect(page.locator("h1")).to_contain_text("Known to the page")
        route.fulfill(response=answer)

    page.route("**/?branch=*", late, times=1)
    page.get_by_role("link", name="Version before").click()
    expect(said(page)).to_have_text(["One", "Two"])
    blocks = page.locator(".transcript > .answer").last.locator(".blocks")
    expect(blocks).to_have_text("Half of an ", use_inner_text=False)
    say(two, "answer", start=False)
    complete(two)
    expect(blocks).to_have_text("Half of an answer")
    assert page.evaluate("window.stayed")
    page.reload()
    expect(blocks).to_have_text("Half of an answer")
