"""From the laptop to the phone in mid-sentence, and out again."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from streams.models import Run
from tests.factories import DeviceFactory
from tests.processes import WorkerProcess, eventually
from tests.views.answers import begin

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
}
NAME = "Chrome on Android"


@pytest.fixture
def blank(chromium, web):
    """A browser that has never been here."""
    contexts = []

    def opened(**options):
        context = chromium.new_context(base_url=web.url, **options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def shown(page):
    """Open the dialog; the link in its picture, and its code."""
    with page.expect_response(re.compile(r"/pair$")) as answer:
        page.get_by_role("button", name="Continue on another device").click()
    expect(page.get_by_role("dialog").locator(".qr-card svg")).to_be_visible()
    given = answer.value.json()
    expect(page.locator(".pairing-code")).to_have_text(given["code"])
    return given["link"], given["code"]


def joined_by_link(laptop_page, phone_page):
    link, _ = shown(laptop_page)
    phone_page.goto(link)
    expect(phone_page.get_by_role("heading")).to_have_text("Continue here as anna?")
    phone_page.get_by_role("button", name="Continue here").tap()
    expect(laptop_page.get_by_role("dialog")).to_contain_text(f"{NAME} joined")
    laptop_page.get_by_role("button", name="Close").last.click()


def test_a_phone_goes_on_in_mid_sentence_and_is_thrown_out(
    open_as, blank, spawn, laptop, conversation, here
):
    conversation.change(laptop, model="scripted:count-2000@40")
    spawn(WorkerProcess)
    one, two = open_as(laptop, here), blank(**PHONE)
    one.get_by_label("Message", exact=True).fill("Count")
    one.keyboard.press("Enter")
    expect(one.locator(".answer .blocks")).to_contain_text("20 ", timeout=20_000)
    joined_by_link(one, two)
    two.wait_for_url(f"**{here}")
    before = len(two.locator(".answer .blocks").inner_text().split())
    assert before >= 20
    eventually(lambda: len(two.locator(".answer .blocks").inner_text().split()) > before + 20)
    two.get_by_label("Message", exact=True).fill("And then?")
    two.get_by_role("button", name="Send after this answer").click()  # its Enter makes a line
    expect(one.locator(".prompt .said").last).to_have_text("And then?")
    one.get_by_role("button", name="Stop").click()
    expect(two.locator(".answer .stopped").first).to_have_text("Stopped by Laptop")
    run = Run.objects.earliest("pk")
    eventually(lambda: Run.objects.filter(pk=run.pk, status="cancelled").exists())
    figure = thrown_out(one, two)
    print(f"the phone's stream ended {figure * 1000:.0f} ms after the tap")
    assert figure < 3, "without its signal it would be seen with the next look alone"
    refused = two.request.get(here, headers={"Accept": "application/json"})
    assert refused.status == 401
    one.goto(here)
    one.get_by_role("button", name="Stop").click()
    # A worker that is told to leave would wait for it.
    eventually(lambda: not Run.objects.filter(status__in=Run.OPEN).exists())


def thrown_out(one, two):
    """Seconds from the tap on the laptop to the sign-in page on the phone."""
    one.goto("/devices/")
    two.evaluate(
        "addEventListener('pagehide', () => sessionStorage.setItem('left', String(Date.now())))"
    )
    expect(one.locator(".device").filter(has=one.get_by_role("button", name=NAME))).to_be_visible()
    began = time.time()
    one.get_by_role("button", name=f"Sign out {NAME}").click()
    two.wait_for_url("**/sign-in/?next=**")
    expect(one.get_by_text(f"{NAME} is signed out.")).to_be_visible()
    return float(two.evaluate("sessionStorage.getItem('left')")) / 1000 - began


def test_a_code_is_typed_in_a_second_browser(open_as, blank, laptop, here):
    one, two = open_as(laptop, here), blank()
    _, code = shown(one)
    two.goto("/sign-in/")
    two.get_by_role("link", name="Use a code").click()
    two.get_by_label("The code it shows").fill(code[:-1] + "!")
    two.keyboard.press("Enter")
    expect(two.get_by_role("alert")).to_have_text("That code isn't right.")
    two.get_by_label("The code it shows").fill(code.lower())
    two.keyboard.press("Enter")
    two.get_by_role("button", name="Continue here").click()
    two.wait_for_url(f"**{here}")
    expect(one.get_by_role("dialog")).to_contain_text("joined")


def test_someone_else_signs_out_first_and_comes_back_to_the_question(open_as, laptop, bert, here):
    one = open_as(laptop, here)
    link, _ = shown(one)
    two = open_as(DeviceFactory(user=bert), "/c/")
    two.goto(link)
    expect(two.get_by_role("alert")).to_contain_text("You are signed in here as bert.")
    two.get_by_role("button", name="Sign bert out").click()
    two.get_by_role("button", name="Continue here").click()
    two.wait_for_url(f"**{here}")
    expect(two.get_by_role("button", name="Account: anna")).to_be_attached()
    open_as.expected.append("409")


def test_who_joins_is_named_also_when_the_dialog_is_closed(
    open_as, blank, laptop, conversation, here
):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    one, two = open_as(laptop, here), blank(**PHONE)
    link, _ = shown(one)
    one.keyboard.press("Escape")
    expect(one.get_by_role("dialog")).to_be_hidden()
    expect(one.get_by_role("button", name="Continue on another device")).to_be_focused()
    one.get_by_label("Message", exact=True).focus()
    two.goto(link)
    two.get_by_role("button", name="Continue here").tap()
    notice = one.get_by_role("dialog")
    expect(notice).to_contain_text(f"{NAME} joined")
    expect(one.get_by_label("Message", exact=True)).to_be_focused()
    one.keyboard.press("Escape")
    expect(notice).to_be_hidden()
    one.evaluate("document.getElementById('streams-pairing').show()")
    notice.get_by_role("button", name="Close").click()
    expect(notice).to_be_hidden()
    run.refresh_from_db()
    assert run.cancel_requested_at is None
    expect(one.locator(".answer")).to_have_attribute("data-state", "thinking")


def test_it_all_works_without_javascript(open_as, blank, laptop, here):
    one, two = open_as(laptop, here, java_script_enabled=False), blank(java_script_enabled=False)
    one.get_by_role("button", name="Continue on another device").click()
    expect(one.locator(".qr-card svg")).to_be_visible()
    two.goto("/pair/")
    two.get_by_label("The code it shows").fill(one.locator(".pairing-code").inner_text())
    two.get_by_role("button", name="Go on").click()
    two.get_by_role("button", name="Continue here").click()
    two.wait_for_url(f"**{here}")
    one.get_by_role("link", name="See whether it has joined").click()
    expect(one.get_by_text("joined.")).to_be_visible()
    one.get_by_role("link", name="See your devices").click()
    expect(one.locator(".device")).to_have_count(2)
    one.get_by_label("Name of this device").first.fill("The laptop")
    one.get_by_label("Name of this device").first.press("Enter")
    expect(one.get_by_label("Name of this device").first).to_have_value("The laptop")
    one.get_by_role("button", name="Sign out everywhere else").click()
    one.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(one.get_by_text("You are signed out everywhere else.")).to_be_visible()
    expect(one.locator(".device")).to_have_count(1)


def test_the_question_about_other_devices_keeps_the_focus_and_gives_it_back(open_as, laptop, phone):
    page = open_as(laptop, "/devices/")
    asks = page.get_by_role("button", name="Sign out everywhere else")
    asks.press("Enter")
    expect(page.get_by_role("button", name="Keep them")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("Tab")
        expect(page.locator(":focus:not(dialog *)")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(asks).to_be_focused()


def test_a_name_is_saved_in_place(open_as, laptop, phone):
    page = open_as(laptop, "/devices/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to your devices")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name of this device").first).to_be_focused()
    field = page.get_by_label("Name of this device").last
    with page.expect_response(lambda it: it.request.method == "PATCH"):
        field.fill("Anna's phone")
        field.press("Enter")
    page.reload()
    expect(page.get_by_label("Name of this device").last).to_have_value("Anna's phone")
