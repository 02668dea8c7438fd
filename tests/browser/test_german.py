"""One conversation in another language, from the page to the error."""

from __future__ import annotations

from playwright.sync_api import expect

from streams.models import Run
from tests.processes import eventually
from tests.views.answers import begin, fail, say


def test_a_conversation_in_german(open_as, laptop, conversation, here):
    page = open_as(laptop, here, locale="de-DE")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("main")).to_have_attribute("data-connection", "live")
    field = page.get_by_role("textbox", name="Nachricht")
    field.fill("Hallo")
    page.get_by_role("button", name="Senden").click()
    eventually(lambda: Run.objects.exists() or page.wait_for_timeout(20))
    run = Run.objects.get()
    begin(run)
    say(run, "Guten Tag.\n\n```\nx\n```")
    expect(page.get_by_role("button", name="Stopp")).to_be_visible()
    expect(page.locator(".code-copy")).to_have_text("Kopieren")
    fail(run, message="The model is busy. Try again in a minute.")
    expect(page.locator(".failed .sentence")).to_contain_text("Das Modell ist ausgelastet.")
    expect(page.locator("#streams-shelf-lines h2")).to_have_text("Heute")
    page.reload()
    expect(page.locator(".failed .sentence")).to_contain_text("Das Modell ist ausgelastet.")
    expect(page.locator("#streams-shelf-lines h2")).to_have_text("Heute")
    expect(page.get_by_role("button", name="Noch einmal")).to_be_visible()
