"""The menu behind one's name, at the foot of the list."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .test_people import PHONE


def test_it_leads_by_keys_to_all_that_is_ones_own_and_gives_the_focus_back(open_as, laptop):
    page = open_as(laptop, "/c/", reduced_motion="reduce")
    opener = page.get_by_role("button", name="Account: anna")
    opener.press("Enter")
    expect(page.get_by_role("link", name="Devices")).to_be_focused()
    for scheme, forced in (("light", "none"), ("dark", "none"), ("light", "active")):
        page.emulate_media(color_scheme=scheme, forced_colors=forced)
        found = Axe().run(page).response["violations"]
        assert [node["html"] for it in found for node in it["nodes"]] == [], (scheme, forced)
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Shortcuts").press("Enter")
    sheet = page.get_by_role("dialog", name="Shortcuts")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(opener).to_be_focused()


def test_without_scripts_it_opens_on_a_phone_too(open_as, phone):
    page = open_as(phone, "/c/", java_script_enabled=False, **PHONE)
    page.get_by_role("button", name="Conversations").tap()
    page.get_by_role("button", name="Account: anna").tap()
    page.get_by_role("button", name="Shortcuts").tap()
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    page.get_by_role("button", name="Close").last.tap()
    page.reload()
    page.get_by_role("button", name="Conversations").tap()
    page.get_by_role("button", name="Account: anna").tap()
    page.get_by_role("link", name="Usage").tap()
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
