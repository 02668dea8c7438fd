"""Keys of input methods and of keyboards on a screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from streams.models import Message
from tests.views.answers import begin

from .test_people import PHONE
from .test_several_devices import field

# As Safari says it: the key that ends a composition comes after its end.
AFTER_COMPOSITION = """(place, key) => {
  place.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "です" }));
  const how = { key, keyCode: 229, isComposing: false, bubbles: true, cancelable: true };
  return place.dispatchEvent(new KeyboardEvent("keydown", how));
}"""


@pytest.mark.parametrize("path", ["new", "conversation"])
def test_the_enter_that_ends_a_composition_does_not_send(open_as, laptop, here, path):
    page = open_as(laptop, "/c/" if path == "new" else here)
    field(page).fill("です")
    assert field(page).evaluate(AFTER_COMPOSITION, "Enter")  # the browser's own step follows
    expect(field(page)).to_have_value("です")
    field(page).press("Enter")
    expect(page.locator(".transcript > .prompt .said")).to_have_text("です")
    assert Message.objects.filter(role="user").count() == 1


def test_the_escape_that_ends_a_composition_is_the_input_methods(
    open_as, laptop, conversation, here
):
    begin(conversation.post("Hi", laptop)[1])
    page = open_as(laptop, here)
    field(page).evaluate(AFTER_COMPOSITION, "Escape")
    title = page.get_by_label("Title")
    title.fill("です")
    title.evaluate(AFTER_COMPOSITION, "Escape")
    expect(title).to_have_value("です")
    expect(page.locator(".answer")).to_have_attribute("data-state", "thinking")


@pytest.mark.parametrize("path", ["new", "conversation"])
def test_a_phones_enter_makes_a_line_and_the_button_sends(open_as, phone, here, path):
    page = open_as(phone, "/c/" if path == "new" else here, **PHONE)
    field(page).fill("One")
    field(page).press("Enter")
    field(page).press_sequentially("two")
    expect(field(page)).to_have_value("One\ntwo")
    page.get_by_role("button", name="Send", exact=True).tap()
    expect(page.locator(".transcript > .prompt .said")).to_have_text("One\ntwo")
