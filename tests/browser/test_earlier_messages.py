"""A long conversation: its newest part first, earlier ones as somebody scrolls up."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from streams.models import Conversation
from tests.processes import eventually
from tests.views.answers import begin, complete, say

from .test_growing_answers import serve_images
from .test_long_prompts import LONG
from .test_sidebar import LIVE

ANSWER = "See ![Tea](https://images.example.com/tea.png)\n\n```py\nx = 1\n```"
CHOSEN = "[...document.querySelector('.composer input[type=file]').files].map((it) => it.name)"


def test_earlier_messages_come_above_what_is_read(open_as, here, laptop, conversation):
    for number in range(120):
        asked = LONG if number == 3 else f"Question {number}."
        run = conversation.post(asked, laptop)[1]
        begin(run)
        say(run, ANSWER if number == 3 else f"Answer {number}.")
        complete(run)
    first = conversation.messages.first()
    look_at_what_stands_still(open_as, here, laptop, conversation)
    plain = open_as(laptop, here, java_script_enabled=False)
    expect(plain.locator(".prompt")).to_have_count(50)
    plain.get_by_role("link", name="Earlier messages").click()
    expect(plain.locator(".prompt").last).to_contain_text("Question 69.")
    plain.get_by_role("link", name="Newest messages").click()
    expect(plain.locator(".prompt").last).to_contain_text("Question 119.")

    page = open_as(laptop, here)
    expect(page.locator("main")).to_have_attribute(*LIVE)
    expect(page.locator(".prompt")).to_have_count(50)
    expect(page.locator(".answer").last).to_be_in_viewport()
    watched = page.locator(".prompt").nth(2)
    watched.scroll_into_view_if_needed()
    expect(page.locator(".prompt")).not_to_have_count(50)
    expect(page.get_by_text("Question 72.", exact=True)).to_be_in_viewport()
    expect(page.get_by_text("Question 69.", exact=True)).to_have_count(1)
    conversation.post("One more", laptop)
    expect(page.locator(".prompt").last).to_contain_text("One more")

    linked = open_as(laptop, f"{here}#m-{first.uuid}")
    expect(linked.locator(".prompt")).to_have_count(121)
    expect(linked.locator(".said").first).to_be_in_viewport()
    expect(linked.get_by_role("link", name="Earlier messages")).to_have_count(0)
    said = linked.locator(".said").all_text_contents()
    questions = [f"Question {number}." for number in range(120)]
    assert said == [*questions[:3], LONG, *questions[4:], "One more"]


def test_a_reload_comes_back_to_what_was_read_of_a_long_answer(open_as, here, laptop, conversation):
    """What is above has no size of its own before it has been near the window."""
    run = conversation.post("Go on", laptop)[1]
    begin(run)
    say(run, "\n\n".join(f"Line {n}. " + "and so on " * (n % 60) for n in range(200)))
    complete(run)
    page = open_as(laptop, here, viewport={"width": 700, "height": 500})
    expect(page.get_by_text("Line 199.")).to_be_in_viewport()
    read = page.get_by_text("Line 77.")
    read.scroll_into_view_if_needed()
    before = read.bounding_box()["y"]
    page.reload()
    eventually(lambda: abs(read.bounding_box()["y"] - before) < 2)
    expect(page.get_by_role("button", name="Jump to the newest")).to_be_visible()


def look_at_what_stands_still(open_as, here, laptop, conversation):
    """A message far from the end comes with what is around it: no log follows, all else works."""
    prompt, answer = conversation.messages.order_by("seq")[6:8]
    Conversation.objects.get().change(laptop, model="scripted:count-9")
    copies = ["clipboard-read", "clipboard-write"]
    plain = open_as(laptop, f"{here}?branch={answer.uuid}", java_script_enabled=False)
    for name in ("Show image", "Show all of it", "Copy"):
        expect(plain.get_by_role("button", name=name)).to_have_count(0)  # of those to be seen
    for place in (here, here.replace("/c/", "/invoice/")):
        page = open_as(laptop, f"{place}?branch={prompt.uuid}#m-{prompt.uuid}", permissions=copies)
        serve_images(page)
        said = page.locator(f"#m-{prompt.uuid} .said")
        shown = page.locator(f"#m-{answer.uuid}")
        assert said.bounding_box()["height"] < 400
        page.get_by_role("button", name="Show all of it").click()
        assert said.bounding_box()["height"] > 700
        for button, text in ((".code-copy", "x = 1"), ("[data-act=copy]", ANSWER)):
            shown.locator(button).click()
            expect(shown.locator(button)).to_have_text("Copied")
            assert page.evaluate("navigator.clipboard.readText()") == text
        shown.get_by_role("button", name="Show image").click()
        expect(shown.get_by_role("img", name="Tea")).to_be_visible()
        files = [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"x"} for n in "ab"]
        page.locator(".composer input[type=file]").set_input_files(files)
        expect(page.locator(".chip")).to_have_count(2)
        page.get_by_role("button", name="Remove a.txt").click()
        expect(page.locator(".chip")).to_contain_text("b.txt")
        assert page.evaluate(CHOSEN) == ["b.txt"]
        if place == here:
            assert Axe().run(page).response["violations"] == []
            page.locator(".bar select").select_option("scripted:demo")
            eventually(lambda: Conversation.objects.get().model == "scripted:demo")
            page.keyboard.press("Control+k")
            expect(page.get_by_role("dialog", name="Search")).to_be_visible()
        else:
            page.get_by_role("link", name="Newest messages").click()
            expect(page.locator("#streams-conversation")).to_have_attribute(*LIVE)
            assert place in page.url, "it is the site's page still"
