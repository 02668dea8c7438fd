"""One conversation in another language, from the page to the error."""

from __future__ import annotations

from playwright.sync_api import expect

from streams.models import Device, Run
from tests.processes import eventually
from tests.views.answers import begin, fail, say

from .test_people import PHONE


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


CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"
CLIPPED = """(all) => all.filter((it) => {
  const sheet = it.closest("dialog, main").getBoundingClientRect();
  const { left, right } = it.getBoundingClientRect();
  return left < sheet.left || right > sheet.right || it.scrollWidth > it.clientWidth + 1;
}).map((it) => it.value ?? it.textContent)"""


def test_long_words_fit_on_the_smallest_phone(open_as, phone, anna, here):
    for _ in range(2):
        Device.introduce(anna.pk, CHROME)
    small = {**PHONE, "viewport": {"width": 320, "height": 640}}
    page = open_as(phone, "/devices/", locale="de-DE", **small)
    for name in ("Chrome on Linux", "Chrome on Linux (2)"):
        sign_out = page.get_by_role("button", name=f"{name} abmelden", exact=True)
        expect(sign_out).to_be_visible()
    assert page.locator(".device-name input").evaluate_all(CLIPPED) == []
    page.goto(here)
    expect(page.locator("main")).to_have_attribute("data-connection", "live")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Tastenkürzel")).to_contain_text("Neues Gespräch")
    assert page.locator("#streams-shortcuts :is(dt, dd)").evaluate_all(CLIPPED) == []
