"""The stop button works before the server has answered the prompt."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from streams.models import Run
from tests.processes import eventually

from .test_several_devices import LIVE, field

AT_ONCE = """() => {
  const field = document.getElementById("streams-message");
  for (const key of ["Enter", "Escape"]) {
    field.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture
def page(open_as, laptop, here):
    page = open_as(laptop, here)
    expect(page.locator("main")).to_have_attribute(*LIVE)
    return page


def stop(page):
    return page.get_by_role("button", name="Stop", exact=True)


def taken_back(page, text):
    expect(field(page)).to_have_value(text)
    expect(page.locator(".prompt")).to_have_count(0)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    assert list(Run.objects.values_list("status", flat=True)) == ["cancelled"]


def test_stop_is_there_before_the_server_has_answered(page):
    held = []
    page.route("**/messages", lambda route: held.append(route))
    field(page).fill("Never mind")
    page.keyboard.press("Enter")
    expect(stop(page)).to_be_visible()
    stop(page).click()
    expect(stop(page)).to_have_attribute("aria-disabled", "true")
    assert not Run.objects.exists()
    eventually(lambda: held or page.wait_for_timeout(10))
    held[0].continue_()
    taken_back(page, "Never mind")


def test_stop_in_the_moment_of_sending(page):
    field(page).fill("Never mind")
    page.evaluate(AT_ONCE)
    taken_back(page, "Never mind")


def test_stop_of_a_prompt_whose_receipt_was_lost(page, open_as):
    open_as.expected.append("net::ERR")
    held = []
    page.route("**/messages", lambda route: held.append(route))
    field(page).fill("Never mind")
    page.keyboard.press("Enter")
    stop(page).click()
    eventually(lambda: held or page.wait_for_timeout(10))
    held[0].fetch()
    held[0].abort()
    taken_back(page, "Never mind")


def test_stop_that_the_log_overtakes(page, open_as):
    """The answer is on the page while the request that asked for it has not come back."""
    held = []
    page.route("**/messages", lambda route: held.append(route))
    field(page).fill("Never mind")
    page.keyboard.press("Enter")
    eventually(lambda: held or page.wait_for_timeout(10))
    answer = held[0].fetch()
    expect(page.locator(".answer")).to_have_count(1)
    stop(page).click()
    held[0].fulfill(response=answer)
    taken_back(page, "Never mind")


def test_a_double_click_on_send_does_not_stop(page):
    field(page).fill("Patience")
    page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(page.locator(".answer")).to_have_attribute("data-state", "thinking")
    expect(stop(page)).not_to_have_attribute("aria-disabled", "true")
    assert Run.objects.get().status == "queued"
