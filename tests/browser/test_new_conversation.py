"""Prompts on the page of a new conversation are neither lost nor sent twice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from streams.models import Conversation

from .test_people import field

BEGUN = re.compile(r"/c/[0-9a-f-]{36}/$")
BROKEN = "That didn't get through. Trying again…"


def send(page, text):
    field(page).fill(text)
    page.keyboard.press("Enter")


def test_what_is_sent_without_a_network_goes_out_after_and_is_not_there_on_the_way_back(
    open_as, laptop, anna
):
    page = open_as(laptop)
    cdp = page.context.new_cdp_session(page)
    assert cdp.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    assert cdp.send("Page.getAppManifest")["url"].endswith("/manifest.webmanifest")
    page.context.set_offline(True)
    send(page, "Sent from a tunnel")
    expect(page.get_by_text("Offline: will send when you are back")).to_be_visible()
    expect(field(page)).to_have_value("Sent from a tunnel")
    page.context.set_offline(False)
    expect(page).to_have_url(BEGUN)
    expect(page.locator(".prompt .said")).to_have_text("Sent from a tunnel")
    assert Conversation.objects.filter(owner=anna).count() == 1
    page.go_back()
    expect(field(page)).to_have_value("")
    page.reload()
    expect(field(page)).to_have_value("")
    expect(page.locator("#streams-note")).to_be_hidden()
    open_as.expected.append("net::ERR")


def test_what_a_server_took_without_an_answer_is_sent_again_and_begins_one(open_as, laptop, anna):
    page = open_as(laptop)
    taken = []

    def lose(route):
        if route.request.method != "POST":
            return route.continue_()
        taken.append(route.fetch().status)
        return route.abort()

    page.route("**/c/", lose)
    page.get_by_text("Instructions").click()
    page.get_by_label("Instructions for the model").fill("Be brief")
    send(page, "Do not lose me")
    expect(page.get_by_text(BROKEN)).to_be_visible()
    expect(field(page)).to_have_value("Do not lose me")
    with page.expect_event("requestfailed", lambda it: it.method == "POST"):
        field(page).press("Enter")
    page.unroute("**/c/")
    page.reload()
    expect(page).to_have_url(BEGUN)
    assert taken == [201, 200]
    begun = Conversation.objects.get(owner=anna)
    assert begun.system == "Be brief"
    assert [message.text for message in begun.messages.filter(role="user")] == ["Do not lose me"]
    open_as.expected.append("net::ERR")


def test_what_waits_can_be_changed_and_what_is_refused_says_why(open_as, laptop, anna):
    page = open_as(laptop)
    page.route("**/c/", lambda it: it.abort() if it.request.method == "POST" else it.continue_())
    send(page, "Too early")
    expect(page.get_by_text(BROKEN)).to_be_visible()
    page.unroute("**/c/")
    page.evaluate("document.querySelector('option').value = 'nobody:x'")
    send(page, "Changed")
    expect(page.locator("#streams-note")).to_contain_text("A model is named provider:model")
    expect(field(page)).to_have_value("Changed")
    page.reload()
    expect(field(page)).to_have_value("Changed")
    assert not Conversation.objects.filter(owner=anna).exists()
    field(page).press("Enter")
    expect(page.locator(".prompt .said")).to_have_text("Changed")
    open_as.expected += ("net::ERR", "422")


@pytest.mark.parametrize("come", [True, False])
def test_an_enter_before_the_modules_sends_whether_they_come_or_not(open_as, laptop, anna, come):
    page = open_as(laptop)
    held = []
    page.route("**/new_conversation.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    expect(field(page)).to_be_focused()
    page.keyboard.type("Quick")
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value("Quick")
    page.keyboard.press("Enter")
    held[0].continue_() if come else held[0].abort()
    expect(page).to_have_url(BEGUN)
    expect(page.locator(".prompt .said")).to_have_text("Quick")
    assert Conversation.objects.filter(owner=anna).count() == 1
    open_as.expected.append("net::ERR")


@pytest.mark.parametrize("come", [True, False])
def test_a_click_before_the_modules_stays_on_the_page_if_they_come(
    open_as, laptop, conversation, come
):
    page = open_as(laptop, f"/c/{conversation.uuid}/")
    held = []
    page.route("**/conversation_page.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.evaluate("window.same = true")
    field(page).fill("Quick")
    page.get_by_role("button", name="Send").click(no_wait_after=True)
    expect(field(page)).to_have_value("Quick")
    held[0].continue_() if come else held[0].abort()
    expect(page.locator(".transcript > .prompt .said")).to_have_text("Quick")
    assert page.evaluate("window.same ?? false") is come
    open_as.expected.append("net::ERR")


def test_the_first_screen_says_who_answers_and_what_to_begin_with(open_as, laptop, phone, anna):
    page = open_as(laptop)
    expect(page.get_by_label("Model").locator("option")).to_have_text(["Demo · recites a text"])
    page.get_by_role("button", name="Start this, then refresh the page").click()
    expect(page).to_have_url(BEGUN)
    expect(page.locator(".prompt .said")).to_contain_text("lighthouse keeper")
    expect(page.locator(".answer-model").first).to_have_text("Demo · recites a text")
    Conversation.objects.get().change(phone, model="scripted:count-9")
    expect(page.locator(".bar select")).to_have_value("scripted:count-9")
    two = open_as(phone, page.url)
    two.locator(".bar select").select_option(label="Demo · recites a text")
    expect(page.locator(".bar select")).to_have_value("scripted:demo")
    two.goto("/c/")
    field(two).fill("My own words")
    expect(two.get_by_role("button", name="Start this")).to_have_count(0)
    plain = open_as(laptop, java_script_enabled=False)
    plain.get_by_role("button", name="Start this, then ask the next thing").click()
    expect(plain.locator(".prompt .said")).to_contain_text("honey bee")
    assert Conversation.objects.filter(owner=anna).count() == 2
