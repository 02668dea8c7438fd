"""A conversation in a page of a site's own."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from streams.models import Run, editing
from tests.factories import ConversationFactory
from tests.processes import eventually
from tests.views.answers import begin, complete, say, stop

from .test_several_devices import field

BESIDE = "html, body, header, header *, #search, #search *, footer, footer *"
# All but what the height of the page decides.
STYLES = """(beside) => [...document.querySelectorAll(beside)].map((each) => {
  const style = getComputedStyle(each);
  const names = [...style].filter((name) => !/block-size|height|origin/.test(name));
  return [each.tagName, names.map((name) => `${name}: ${style.getPropertyValue(name)}`).join()];
})"""


@pytest.fixture
def invoice(open_as, laptop, conversation):
    page = open_as(laptop, f"/invoice/{conversation.uuid}/")
    expect(page.locator("#streams-conversation")).to_have_attribute("data-connection", "live")
    return page


def asked(page, text):
    field(page).fill(text)
    field(page).press("Enter")
    eventually(lambda: Run.objects.exists() or page.wait_for_timeout(20))
    return Run.objects.latest("pk")


def test_a_conversation_lives_in_a_sites_page(invoice):
    run = asked(invoice, "What is this for?")
    begin(run)
    say(run, "For **two", end=False)
    expect(invoice.locator(".blocks")).to_contain_text("For two")
    invoice.reload()
    expect(invoice.locator(".blocks")).to_contain_text("For two")
    say(run, " chairs** and", start=False, end=False)
    expect(invoice.locator(".blocks strong")).to_have_text("two chairs")
    invoice.get_by_role("button", name="Stop").click()
    eventually(lambda: Run.objects.filter(cancel_requested_at__isnull=False).exists())
    stop(run)
    expect(invoice.locator(".answer")).to_have_attribute("data-state", "cancelled")
    expect(invoice.locator(".stopped")).to_have_text("Stopped")
    assert invoice.title() == "Invoice 7"


def test_what_the_site_has_around_it_stays_as_it_was(invoice):
    beside = invoice.evaluate(STYLES, BESIDE)
    invoice.goto("/invoice/")
    alone = invoice.evaluate(STYLES, BESIDE)
    assert beside == alone


def test_keys_and_forms_of_the_site_are_its_own(invoice, conversation):
    run = asked(invoice, "Hi")
    begin(run)
    expect(invoice.get_by_role("button", name="Stop")).to_be_visible()
    invoice.locator("[name=q]").press("Escape")
    with invoice.expect_navigation(url="**/?q="):
        invoice.locator("[name=q]").press("Enter")
    run.refresh_from_db()
    assert run.cancel_requested_at is None


UNKNOWN = """new MutationObserver(() => {
  for (const each of document.querySelectorAll(".streams")) each.removeAttribute("data-device");
}).observe(document, { childList: true, subtree: true })"""


def test_a_browser_that_has_seen_no_page_of_ours_asks_for_its_device(open_as, laptop, conversation):
    page = open_as(laptop, "/invoice/")
    page.add_init_script(UNKNOWN)
    with page.expect_response("**/devices/"):
        page.goto(f"/invoice/{conversation.uuid}/")
    expect(page.locator("#streams-conversation")).to_have_attribute("data-connection", "live")


def test_who_is_signed_out_reads_no_further(invoice, laptop, open_as):
    asked(invoice, "Hi")
    laptop.revoke()
    expect(invoice.locator("#streams-note")).to_contain_text("You were signed out")
    expect(invoice.locator(".prompt")).to_have_count(0)
    open_as.expected.append("401")


def test_somebody_elses_conversation_is_not_there(open_as, laptop, bert):
    page = open_as(laptop, f"/invoice/{ConversationFactory(owner=bert).uuid}/")
    assert page.locator(".streams-chat").count() == 0
    open_as.expected.append("404 (Not Found)")


def test_a_step_to_another_version_stays_in_the_sites_page(open_as, laptop, conversation):
    one = conversation.post("One", laptop)[1]
    begin(one)
    say(one, "first")
    complete(one)
    editing.ask_again(one.prompt, "Other", laptop)
    page = open_as(laptop, f"/invoice/{conversation.uuid}/?tab=chat")
    expect(page.locator("#streams-conversation")).to_have_attribute("data-connection", "live")
    page.evaluate("window.stayed = true")
    said = page.locator(".transcript > .prompt > .said")
    page.get_by_role("link", name="Version before").click()
    expect(said).to_have_text("One")
    assert "tab=chat" in page.url
    page.go_back()
    expect(said).to_have_text("Other")
    page.go_forward()
    expect(said).to_have_text("One")
    assert page.evaluate("window.stayed")
