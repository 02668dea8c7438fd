"""Files come to a prompt by drop and paste, survive a reload, and are seen on every device."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import expect

from streams.models import Attachment, Message
from tests.factories import ConversationFactory
from tests.sample_files import png

from .test_people import field

GIVE = """([kind, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (it) => it.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], name, { type }));
  const options = { bubbles: true, cancelable: true };
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { ...options, clipboardData: given })
    : new DragEvent("drop", { ...options, dataTransfer: given });
  document.getElementById("streams-message").dispatchEvent(event);
}"""


def give(page, kind, name, content, type=""):
    page.evaluate(GIVE, [kind, name, type, base64.b64encode(content).decode()])


def test_files_are_dropped_pasted_kept_over_a_reload_sent_and_seen_elsewhere(
    open_as, laptop, phone, anna
):
    here = ConversationFactory(owner=anna)
    path = f"/c/{here.uuid}/"
    page, other = (
        open_as(laptop, path),
        open_as(phone, path, viewport={"width": 390, "height": 800}),
    )
    chips = page.locator(".chips .chip")
    give(page, "drop", "photo.png", png(40, 30), "image/png")
    give(page, "paste", "notes.md", b"# Notes", "text/markdown")
    give(page, "drop", "song.mp3", b"ID3\x03\0\0\0", "audio/mpeg")
    expect(page.locator("#streams-note")).to_contain_text("song.mp3: This kind of file can't")
    expect(chips).to_have_count(3)
    expect(page.get_by_role("button", name="Try song.mp3 again")).to_be_visible()
    page.get_by_role("button", name="Remove song.mp3").click()
    expect(chips.locator("img[alt='photo.png']")).to_be_visible()
    expect(chips.nth(1)).to_contain_text("notes.md")
    field(page).fill("Look at these")

    page.reload()

    expect(chips).to_have_count(2)
    expect(field(page)).to_have_value("Look at these")
    page.keyboard.press("Enter")
    for each in (page, other):
        sent = each.locator(".transcript > .prompt").first
        expect(sent.locator(".said")).to_have_text("Look at these")
        expect(sent.locator(".attached img[alt='photo.png']")).to_be_visible()
        expect(sent.get_by_role("link", name="notes.md")).to_be_visible()
        box = sent.locator(".thumbnail").bounding_box()
        assert (box["width"], box["height"]) == (144, 144)
        assert each.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(chips).to_have_count(0)
    live = page.locator(".attached").first.inner_html().split()
    page.reload()
    expect(page.locator(".attached img")).to_be_visible()
    assert page.locator(".attached").first.locator("a").count() == 2
    assert live
    assert Attachment.objects.filter(message__isnull=False).count() == 2
    open_as.expected.append("415")

    prompt = page.locator(".transcript > .prompt").first
    prompt.get_by_role("link", name="Edit").click(force=True)
    form = prompt.locator(".edit")
    form.get_by_role("button", name="Remove notes.md").click()
    words = {"name": "more.txt", "mimeType": "text/plain", "buffer": b"more"}
    form.locator("input[type=file]").set_input_files(words)
    expect(form.locator(".chip", has_text="more.txt").locator("progress")).to_have_count(0)
    form.get_by_role("button", name="Ask again").click()
    again = page.locator(".transcript > .prompt").first.locator(".attached")
    expect(again.get_by_role("link", name="more.txt")).to_be_visible()
    expect(again.get_by_role("link")).to_have_count(2)


def test_a_new_conversation_begins_with_a_file_alone(open_as, laptop):
    page = open_as(laptop, "/c/")
    page.locator("input[type=file]").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": png()}
    )
    expect(page.locator(".chip img")).to_be_visible()
    field(page).press("Enter")
    expect(page.locator(".transcript .attached img[alt='photo.png']")).to_be_visible()
    assert Message.objects.filter(role="user").get().text == ""


def test_files_of_a_prompt_that_is_taken_back_are_beside_the_next_one(open_as, laptop, anna):
    here = ConversationFactory(owner=anna)
    here.post("First", laptop)
    page = open_as(laptop, f"/c/{here.uuid}/")
    give(page, "drop", "photo.png", png(), "image/png")
    expect(page.locator(".chip img")).to_be_visible()
    field(page).fill("Second")
    page.keyboard.press("Enter")
    page.locator(".answer").last.get_by_role("button", name="Take back").click()
    expect(page.locator(".chip img[alt='photo.png']")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".transcript .attached img")).to_be_visible()


@pytest.mark.parametrize("start", ["/c/", None])
def test_without_scripts_files_go_with_the_form(open_as, laptop, anna, start):
    here = ConversationFactory(owner=anna)
    page = open_as(laptop, start or f"/c/{here.uuid}/", java_script_enabled=False)
    page.locator("textarea[name=content]").fill("Look")
    page.locator("input[type=file]").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": png()}
    )
    page.locator(".send").click()
    expect(page.locator(".transcript .attached img[alt='photo.png']")).to_be_visible()
