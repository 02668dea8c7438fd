"""A short visit in Firefox and WebKit, and what they draw differently: scroll bars."""

from __future__ import annotations

import base64

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from streams.models import Run
from tests.factories import PASSWORD, ConversationFactory
from tests.processes import WorkerProcess, eventually
from tests.views.answers import begin, complete, say

from .engines import ENTER, Firefox, WebKit
from .test_several_devices import field

DESK, PHONE = (1280, 700), (390, 844)
NAME = "A conversation whose name is longer than the column is wide"
CODE = "```text\nas wide as code often is: not on a desk, but on a phone\n```\n"

ANSWER = "return [...document.querySelectorAll('.blocks')].at(-1)?.textContent ?? ''"
STATE = "return [...document.querySelectorAll('.answer')].at(-1)?.dataset.state"
PLACE = "return [location.pathname, document.readyState]"
LINK = "return document.querySelector('main').dataset.connection"
SIDEWAYS = "scrollTo(999, scrollY); return [innerWidth, scrollX]"
SHEET_STANDS = """
    const sheet = document.querySelector(".shelf:popover-open");
    return sheet && !sheet.getAnimations().length;
"""
# Of every scroll bar: whose it is, where it leads, and two points: in its track, and beside it.
BARS = """
    const found = [];
    for (const it of document.querySelectorAll("%s, %s :not(svg, svg *)")) {
        if (!it.clientWidth) continue;
        const { left, right, top, bottom } = it.getBoundingClientRect();
        const border = it.clientLeft, beside = [left + border + 2, (top + bottom) / 2];
        const width = it.offsetWidth - it.clientWidth - 2 * border;
        const height = it.offsetHeight - it.clientHeight - 2 * border;
        const name = it.className || it.localName;
        const down = [right - border - width / 2, bottom - border - 8];
        const sideways = [right - border - 8, bottom - border - height / 2];
        const wider = it.scrollWidth > it.clientWidth;
        if (width > 2) found.push([name, "down", down, beside]);
        if (height > 2 && wider) found.push([name, "sideways", sideways, beside]);
    }
    return found;
"""
PIXELS = """async ([picture, points]) => {
    const answer = await fetch(`data:image/png;base64,${picture}`);
    const image = await createImageBitmap(await answer.blob());
    const drawing = new OffscreenCanvas(image.width, image.height).getContext("2d");
    drawing.drawImage(image, 0, 0);
    return points.map(([x, y]) => [...drawing.getImageData(x, y, 1, 1).data]);
}"""


@pytest.fixture(scope="module", params=[Firefox, WebKit], ids=lambda it: it.__name__)
def browser(request):
    browser = request.param()
    yield browser
    browser.stop()


@pytest.fixture
def engine(browser, web, anna):
    """Signed in as a person is: by the form."""
    browser.resize(*DESK)
    browser.go(f"{web.url}/c/")
    browser.click("[name=username]")
    browser.press("anna")
    browser.click("[name=password]")
    browser.press(PASSWORD + ENTER)
    eventually(lambda: arrived(browser))
    yield browser
    # A page whose person is deleted goes to the sign-in page, if it must in the middle of the next
    # test's first step, which then leads to an address of this one.
    browser.go("about:blank")
    assert browser.complaints == []


def arrived(engine):
    assert engine.run(PLACE) == ["/c/", "complete"]
    return True


def open_live(engine, url):
    engine.go(url)
    eventually(lambda: engine.run(LINK) == "live")


def shown(engine):
    return engine.run(ANSWER).split()


def state(engine):
    return engine.run(STATE)


def bars(engine, chromium, within="body"):
    """Every scroll bar in there, whose track has the colour of what is beside it."""
    found = engine.run(BARS % (within, within))
    tracks, beside = ([bar[which] for bar in found] for which in (2, 3))
    page = chromium.new_page()
    picture = base64.b64encode(engine.picture()).decode()
    colours = page.evaluate(PIXELS, [picture, tracks + beside])
    page.close()
    assert colours[: len(found)] == colours[len(found) :], found
    return [tuple(bar[:2]) for bar in found]


def test_asking_reloading_and_stopping_beside_a_second_device(
    engine, web, open_as, spawn, phone, conversation, here
):
    conversation.change(phone, model="scripted:count-5000@80")
    spawn(WorkerProcess)
    open_live(engine, web.url + here)
    engine.click("#streams-message")
    engine.press("Count" + ENTER)
    eventually(lambda: len(shown(engine)) > 5)
    other = open_as(phone, here)
    *before, _ = shown(engine)  # whose last number may be half drawn
    engine.reload()
    assert state(engine) == "streaming"
    assert shown(engine)[: len(before)] == before
    eventually(lambda: len(shown(engine)) > len(before) + 20)
    engine.click(".stop")
    eventually(lambda: state(engine) == "cancelled")
    expect(other.locator(".answer")).to_have_attribute("data-state", "cancelled")
    run = Run.objects.get()
    assert run.status == "cancelled"
    eventually(lambda: shown(engine) == run.answer.text.split())
    expect(other.locator(".blocks")).to_have_text(run.answer.text)

    conversation.change(phone, model="scripted:demo@400")
    engine.resize(*PHONE)
    field(other).fill("And the demonstration")
    other.keyboard.press("Enter")
    eventually(lambda: state(engine) == "completed")
    eventually(lambda: engine.run(ANSWER).strip().endswith("Ask again, or ask something else."))
    assert engine.run(SIDEWAYS) == [390, 0]


def test_scroll_bars_are_few_and_stand_on_what_lies_under_them(engine, web, laptop, chromium):
    now = timezone.now()
    first, *_ = (
        ConversationFactory(owner=laptop.user, title=NAME, updated_at=now - timezone.timedelta(n))
        for n in range(40)
    )
    run = first.post("Show me", laptop)[1]
    begin(run)
    say(run, CODE)
    complete(run)
    open_live(engine, f"{web.url}/c/{first.uuid}/")
    assert bars(engine, chromium) == [("shelf-list", "down")]
    engine.resize(*PHONE)
    engine.reload()
    assert bars(engine, chromium) == [("pre", "sideways")]
    assert engine.run(SIDEWAYS) == [390, 0]
    engine.click(".shelf-button")
    eventually(lambda: engine.run(SHEET_STANDS))
    assert bars(engine, chromium, ".shelf") == [("shelf-list", "down")]
