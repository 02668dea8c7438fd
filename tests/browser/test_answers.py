"""Answers on the page: they stream, format, survive and stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from streams.models import Run, Worker
from tests.factories import WorkerFactory
from tests.processes import eventually
from tests.views.answers import append, begin, complete, fail, say, stop

NASTY = (
    "<img src=x onerror=alert(1)><script>alert(1)</script>\n\n[x](javascript:alert(1))\n\n"
    "```html\n<script>alert(1)</script>\n```\n\n<svg onload=alert(1)>\n"
)


def streaming(page):
    return page.locator(".answer").last


def test_a_prompt_is_shown_at_once_and_its_answer_streams_and_formats(open_as, laptop, here):
    page = open_as(laptop, here)
    page.get_by_label("Message", exact=True).fill("# What is **bold**, `f(**x)`?")
    page.keyboard.press("Enter")
    expect(page.locator(".prompt .said")).to_have_text("# What is **bold**, `f(**x)`?")
    expect(page.locator(".transcript > .prompt")).to_have_count(1)
    title = page.get_by_label("Title", exact=True)
    name = "What is bold, f(**x)?"
    expect(title).to_have_attribute("placeholder", name)
    expect(page.locator("#streams-shelf [aria-current] .name")).to_have_text(name)
    run = eventually(Run.objects.first)
    expect(streaming(page)).to_have_attribute("data-state", "thinking")
    begin(run)
    say(run, "This is **bo", end=False)
    expect(page.locator(".open strong")).to_have_text("bo")
    expect(streaming(page)).to_have_attribute("data-state", "streaming")
    expect(streaming(page)).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_role("button", name="Send after this answer")).to_be_visible()
    say(run, "ld**.\n\n- one\n", start=False, end=False)
    expect(page.locator(".closed strong")).to_have_text("bold")
    expect(page.locator(".open li")).to_have_text("one")
    say(run, "- two", start=False)
    complete(run)
    expect(streaming(page)).to_have_attribute("data-state", "completed")
    expect(page.locator(".closed li")).to_have_text(["one", "two"])
    expect(page.locator(".fresh")).to_have_count(0)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    assert live_html(page) == first_paint_html(page)
    expect(title).to_have_attribute("placeholder", name)


def live_html(page):
    html = page.locator(".blocks").inner_html()
    return html.replace(' aria-live="polite"', "").replace(' data-live=""', "").strip()


def first_paint_html(page):
    page.reload()
    return page.locator(".blocks").inner_html().strip()


def test_an_end_that_only_looks_like_one_is_told_at_once_and_after_a_reload(
    open_as, laptop, conversation, here
):
    page = open_as(laptop, here)
    for text, reason, sentence in (
        ("Let me look.", "pause_turn", "The model paused before this answer was finished."),
        (
            "Half",
            "__proto__",
            "The model's service ended this answer for a reason of its own: __proto__.",
        ),
    ):
        _, run, _ = conversation.post("Hi", laptop)
        begin(run)
        say(run, text)
        complete(run, reason)
        for _ in ("live", "reloaded"):
            expect(streaming(page).locator(".ending")).to_have_text(sentence)
            goes_on = streaming(page).get_by_role("button", name="Continue")
            expect(goes_on).to_be_visible(visible=reason == "pause_turn")
            page.reload()


def test_a_refresh_in_the_middle_has_the_text_in_its_html_and_goes_on(
    open_as, laptop, conversation, here
):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "One 😀\n\nTwo **th", end=False)
    page = open_as(laptop, here)
    raw = page.request.get(here, headers={"Accept": "text/html"}).text()
    assert '<p dir="auto">One 😀</p>' in raw
    assert "Two **th" in raw
    say(run, "ree** four", start=False, end=False)
    expect(page.locator(".open strong")).to_have_text("three")
    page.reload()
    expect(page.locator(".blocks")).to_contain_text("Two three four")
    say(run, " five", start=False)
    complete(run)
    expect(page.locator(".closed p").last).to_have_text("Two three four five")


def test_stop_names_who_stopped_on_every_device(open_as, laptop, phone, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "Partial text", end=False)
    here_page, there = open_as(laptop, here), open_as(phone, here)
    there.get_by_role("button", name="Stop").click()
    expect(streaming(here_page)).to_have_attribute("data-state", "stopping")
    eventually(lambda: Run.objects.get().cancel_requested_at)
    stop(run)
    expect(streaming(here_page).locator(".stopped")).to_have_text("Stopped by Phone")
    expect(streaming(there).locator(".stopped")).to_have_text("Stopped")
    expect(streaming(here_page)).to_contain_text("Partial text")
    expect(streaming(here_page).get_by_role("button", name="Continue")).to_be_visible()


def test_escape_stops(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Escape")
    expect(streaming(page)).to_have_attribute("data-state", "stopping")
    eventually(lambda: Run.objects.get().cancel_requested_at)


def test_a_waiting_prompt_says_so_and_can_be_removed(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("One", laptop)
    begin(run)
    conversation.post("Two", laptop)
    page = open_as(laptop, here)
    waiting = page.locator(".waiting:visible")
    expect(waiting).to_contain_text("Waiting for the answer before this one")
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("#streams-brief")).to_contain_text("in the message field again")
    expect(page.locator(".prompt")).to_have_count(1)
    expect(waiting).to_be_hidden()
    expect(page.get_by_label("Message", exact=True)).to_have_value("Two")


def test_a_second_prompt_can_be_sent_while_the_first_is_answered(
    open_as, laptop, conversation, here
):
    _, run, _ = conversation.post("One", laptop)
    begin(run)
    page = open_as(laptop, here)
    page.get_by_label("Message", exact=True).fill("Two")
    page.keyboard.press("Enter")
    expect(page.locator(".waiting:visible")).to_have_count(1)
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    complete(run)
    expect(streaming(page)).to_have_attribute("data-state", "thinking")
    expect(page.locator(".waiting:visible")).to_have_count(0)


def test_a_failure_is_one_sentence_and_retry_replaces_it(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    fail(run)
    expect(page.locator(".sentence")).to_have_text("The model is busy.")
    page.get_by_role("button", name="Retry").press("Enter")
    expect(page.locator(".answer > .siblings .count")).to_have_text("2/2")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(page.locator(".transcript > .answer")).to_have_attribute("data-state", "thinking")
    again = Run.objects.first()
    begin(again)
    say(again, "Better")
    complete(again)
    expect(page.locator(".transcript > .answer")).to_contain_text("Better")


def test_an_answer_and_its_code_are_copied(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, whole := "One **two**\n\n```py\nx = 1\n```\n")
    complete(run)
    page = open_as(laptop, here)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for button, text in ((".code-copy", "x = 1"), ("[data-act=copy]", whole)):
        page.locator(button).last.click()
        expect(page.locator(button).last).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == text


def test_half_an_answer_is_copied_too_but_nothing_is_not(open_as, laptop, conversation, here):
    _, half, _ = conversation.post("Half", laptop)
    begin(half)
    say(half, "One **tw", end=False)
    fail(half)
    _, none, _ = conversation.post("None", laptop)
    begin(none)
    fail(none)
    page = open_as(laptop, here)
    first, second = page.locator(".answer").all()
    expect(first.locator("[data-act=copy]")).to_be_visible()
    expect(second.get_by_role("button", name="Retry")).to_be_visible()
    expect(second.locator("[data-act=copy]")).to_be_hidden()


def test_code_grows_in_its_own_last_line(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "```py\nx = 1", end=False)
    page = open_as(laptop, here)
    page.route("**/render", lambda route: None)  # only what has been painted as it came
    append(run, run.event("block.delta", index=0, text=" + 2\ny"))
    expect(page.locator(".open code")).to_have_text("x = 1 + 2\ny", use_inner_text=True)


def test_words_keep_their_spaces_between_two_formattings(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "One ", end=False)
    page = open_as(laptop, here)
    page.route("**/render", lambda route: None)
    append(run, run.event("block.delta", index=0, text="two"))
    expect(page.locator(".open p")).to_have_text("One two", use_inner_text=True)


def test_a_restarted_answer_gives_way_to_the_new_one(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "Old text.\n\n" * 60, end=False)
    page = open_as(laptop, here)
    place = "[document.documentElement.scrollHeight, scrollY]"
    expect(page.locator(".closed p")).to_have_count(59)
    height, top = page.evaluate(place)
    begin(run, attempt=2)
    note = page.get_by_text("The server restarted this answer")
    expect(note).to_be_in_viewport()
    expect(page.locator(".old[inert] p").last).to_be_in_viewport()
    now = page.evaluate(place)
    assert abs(now[0] - height) < 100
    assert now[1] >= top
    say(run, "New text.", end=False)
    expect(page.locator(".blocks")).to_have_text("New text.")
    begin(run, attempt=3)
    expect(page.locator(".blocks")).to_have_text("")
    assert page.evaluate(place)[0] == now[0]
    say(run, "Newer text.", end=False)
    expect(page.locator(".old")).to_have_count(1)
    say(run, " It grows.\n\n" * 61, start=False, end=False)
    expect(page.locator(".old")).to_have_count(0)
    say(run, "The end.", start=False)
    complete(run)
    expect(page.locator(".closed p").last).to_have_text("The end.")
    expect(note).to_be_hidden()


def test_a_restarted_answer_that_is_shorter_leaves_nothing_of_the_old(
    open_as, laptop, conversation, here
):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "Old text.\n\n" * 3, end=False)
    page = open_as(laptop, here)
    begin(run, attempt=2)
    say(run, "New text")
    expect(page.locator(".blocks")).to_have_text("New text\n")
    expect(page.locator(".old")).to_contain_text("Old text")
    complete(run)
    expect(page.locator(".old")).to_have_count(0)
    expect(page.get_by_text("Old text")).to_have_count(0)


def test_a_model_that_says_nothing_for_long_is_waited_for_in_words(
    open_as, laptop, conversation, here
):
    page = open_as(laptop, here)
    page.context.add_init_script(
        "const real = setTimeout;"
        "window.setTimeout = (step, ms, ...rest) => real(step, ms === 5000 ? 300 : ms, ...rest);"
    )
    page.reload()
    _, run, _ = conversation.post("Hi", laptop)
    words = page.get_by_text("Still waiting…")
    expect(page.locator("main")).to_have_attribute("data-silent", "")
    expect(page.get_by_text("No server is there to answer.")).to_be_visible()
    worker = WorkerFactory(beat_at=timezone.now() + timedelta(hours=1))
    expect(words).to_be_visible()
    begin(run)
    Run.objects.filter(pk=run.pk).update(worker=worker)
    expect(page.locator("main")).not_to_have_attribute("data-silent", "")
    expect(words).to_be_visible()
    say(run, "One", end=False)
    expect(words).to_be_visible()
    page.evaluate(
        "new MutationObserver(() => (window.broken = true))"
        ".observe(document.getElementById('streams-conversation'),"
        " { attributeFilter: ['data-silent'] })"
    )
    append(run, run.event("block.delta", index=0, text=" two"))
    eventually(lambda: page.evaluate("window.broken"))
    expect(words).to_be_visible()
    page.context.set_offline(True)
    expect(words).to_be_hidden()
    page.context.set_offline(False)
    expect(words).to_be_visible()
    Worker.objects.update(beat_at=timezone.now() - timedelta(hours=1))
    gone = page.get_by_text("Its server has gone silent. Another takes over in a moment…")
    expect(gone).to_be_visible()
    worker = WorkerFactory(beat_at=timezone.now() + timedelta(hours=1))
    Run.objects.filter(pk=run.pk).update(worker=worker)
    begin(run, attempt=2)
    expect(page.get_by_text("The server restarted this answer")).to_be_visible()
    expect(words).to_be_visible()
    complete(run)
    expect(words).to_be_hidden()
    open_as.expected.append("net::ERR")


def test_thoughts_are_folded_and_live_inside(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    say(run, "Hm, *so*", kind="reasoning", end=False)
    expect(streaming(page)).to_have_attribute("data-state", "thinking")
    page.get_by_text("Thoughts").click()
    expect(page.locator(".thoughts em")).to_be_visible()
    append(run, run.event("block.delta", index=0, text=" what?"))
    expect(page.locator(".thoughts .prose")).to_contain_text("so what?")
    say(run, '{"city":', '"Rome"}', index=1, kind="tool_call", name="weather")
    page.get_by_text("Weather …").click()
    expect(page.locator(".arguments dd")).to_have_text("Rome")


@pytest.mark.parametrize("live", [True, False])
def test_nothing_a_model_or_a_person_writes_runs(open_as, laptop, conversation, here, live):
    conversation.change(laptop, title=NASTY[:100])
    _, run, _ = conversation.post(NASTY, laptop)
    begin(run)
    page = open_as(laptop, here) if live else None
    say(run, NASTY, NASTY)
    say(run, NASTY, index=1, kind="reasoning")
    say(run, NASTY, index=2, kind="tool_call", name=NASTY[:40])
    complete(run)
    page = page or open_as(laptop, here)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    expect(streaming(page)).to_have_attribute("data-state", "completed")
    expect(page.locator(".block.text .closed pre")).to_have_count(2)
    assert page.locator("main :is(script, img, [onerror], [onload])").count() == 0
    assert page.locator("main a[href^=javascript]").count() == 0


def test_a_long_answer_in_bursts_is_whole(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    say(run, end=False)
    for part in range(40):
        text = [f"Word{part}-{number} " for number in range(50)]
        append(run, *[run.event("block.delta", index=0, text=t) for t in [*text, "\n\n"]])
    append(run, run.event("block.ended", index=0))
    complete(run)
    expect(page.locator(".closed > p")).to_have_count(40)
    assert page.locator(".closed").inner_text().split()[-1] == "Word39-49"


RIGHT_TO_LEFT = "שלום `f(x)` עולם.\n\n- אחת\n\n- two\n\n> ציטוט\n>\n> a quote\n\n|שם|\n|-|\n|a|\n"
DIRECTIONS = """(it) => {
  const found = {};
  for (const name of ["p", "code", "li", "li:last-child p", "blockquote", "table", "pre"]) {
    found[name] = getComputedStyle(it.querySelector(name)).direction;
  }
  return found;
}"""


def test_words_from_right_to_left_stand_at_the_right_and_code_does_not(
    open_as, laptop, conversation, here
):
    page = open_as(laptop, here)
    message = page.get_by_label("Message", exact=True)
    message.fill("שלום?")
    assert message.evaluate("it => getComputedStyle(it).direction") == "rtl"
    page.keyboard.press("Enter")
    said = page.locator(".transcript .said")
    expect(said).to_have_css("direction", "rtl")
    expect(page.locator("#streams-shelf [aria-current] .name")).to_have_css("direction", "rtl")
    begin(run := eventually(Run.objects.first))
    say(run, "של", end=False)
    expect(page.locator(".open")).to_have_text("של")
    expect(page.locator(".fresh")).to_have_css("direction", "rtl")
    say(run, RIGHT_TO_LEFT[2:] + "\n```\nx\n```", start=False)
    complete(run)
    expect(streaming(page)).to_have_attribute("data-state", "completed")
    expect(page.locator(".closed pre")).to_have_count(1)
    found = page.locator(".closed").evaluate(DIRECTIONS)
    assert [found.pop("code"), found.pop("pre")] == ["ltr", "ltr"]
    assert set(found.values()) == {"rtl"}
