"""Long prompts, prompts too long to send, growing formulas, and keyboard shortcuts."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.views.answers import begin, say

from .test_several_devices import LIVE, field

LONG = "\n".join(f"line {n}" for n in range(40))
PASTE = """(text) => {
  const field = document.getElementById("streams-message");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}"""


def test_long_prompts_fold_and_what_is_too_long_is_said_at_once(
    open_as, laptop, phone, conversation, here
):
    one, two = open_as(laptop, here), open_as(phone, here)
    expect(two.locator("main")).to_have_attribute(*LIVE)
    field(one).fill(LONG)
    one.keyboard.press("Enter")
    for page in (one, two):
        expect(page.locator(".transcript .said")).to_contain_text("line 39")
        assert page.locator(".transcript .said").bounding_box()["height"] < 400
    two.get_by_role("button", name="Show all of it").click()
    assert two.locator(".transcript .said").bounding_box()["height"] > 700
    two.reload()
    assert two.locator(".transcript .said").bounding_box()["height"] < 400
    one.evaluate(PASTE, "word " * 40_000)
    expect(one.get_by_text("Too long by 100,000 characters")).to_be_visible()
    one.get_by_role("button", name="Send after this answer").click()
    assert field(one).input_value() == "word " * 40_000
    one.reload()
    assert field(one).input_value() == "word " * 40_000, "the draft is kept"
    one.evaluate(PASTE, "short")
    expect(one.get_by_text("Too long by")).to_be_hidden()
    plain = open_as(laptop, here, java_script_enabled=False)
    assert plain.locator(".transcript .said").bounding_box()["height"] > 700


def test_a_formula_is_drawn_while_the_answer_goes_on_and_keys_work_anywhere(
    open_as, laptop, conversation, here
):
    run = conversation.post("Hi", laptop)[1]
    begin(run)
    page = open_as(laptop, here)
    expect(page.locator("main")).to_have_attribute(*LIVE)
    say(run, "So \\(x_{1}^2\\) and", end=False)
    expect(page.locator(".blocks math msubsup")).to_be_visible()
    expect(page.locator(".blocks p").first).to_contain_text("and")
    say(run, " then $$\\frac{a}{b}$$ and \\(\\foo\\).", start=False)
    expect(page.locator(".blocks math mfrac")).to_be_visible()
    expect(page.locator(".blocks")).to_contain_text("\\(\\foo\\)")
    assert Axe().run(page).response["violations"] == []
    field(page).evaluate("(it) => it.blur()")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Shortcuts")
    expect(sheet).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("/")
    expect(field(page)).to_be_focused()
    page.keyboard.type("?/")
    expect(field(page)).to_have_value("?/")
    page.keyboard.press("Control+Shift+O")
    page.wait_for_url("**/c/")
