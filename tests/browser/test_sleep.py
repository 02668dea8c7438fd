"""A page that was away: in the back-forward cache, asleep, offline, before a server that stood
still. Each ends in the right state within two seconds of being looked at, and never by a reload.
"""

from __future__ import annotations

import re
import signal
import time

import pytest
from playwright.sync_api import expect

from streams.models import Run
from tests.processes import Web, debian_program
from tests.views.answers import append, begin, complete

from .conftest import QUIET, sign_in

LIVE = ("data-connection", "live")
IN_TIME = 2000
# A link that says nothing for 25 s is dead; here for two, so that the test is no longer.
IMPATIENT = """
const patient = setTimeout;
window.setTimeout = (step, ms, ...rest) => patient(step, ms === 25000 ? 2000 : ms, ...rest);
"""
SHOWN = """
addEventListener("pageshow", (event) => (window.shown ||= []).push(event.persisted));
"""


@pytest.fixture
def lively(spawn):
    """Its pings come sooner than the impatient page gives up."""
    return spawn(Web, STREAMS='{"ping": 0.5}')


@pytest.fixture
def caching(chromium, web, transactional_db):
    """A whole browser, with the back-forward cache that Playwright otherwise turns off; `anything`
    is one that keeps pages which say `no-store` too, as some do."""
    browser = chromium.browser_type.launch(
        executable_path=debian_program("chromium"),
        args=[*QUIET, "--enable-features=BackForwardCache"],
        ignore_default_args=["--disable-back-forward-cache"],
    )

    def opened(device, path, anything=True):
        context = browser.new_context(base_url=web.url)
        if anything:
            context.route(re.compile("/(c/.+|devices)/$"), kept)
        page = opened_in(context, web, device, path, SHOWN)
        page.evaluate("window.same = true")
        return page

    yield opened
    browser.close()


def kept(route):
    if route.request.resource_type != "document":
        return route.continue_()
    answer = route.fetch(max_redirects=0)
    return route.fulfill(response=answer, headers=answer.headers | {"cache-control": "no-cache"})


def none_to_scripts(route):
    return route.abort() if route.request.resource_type == "fetch" else route.continue_()


def opened_in(context, web, device, path, script):
    sign_in(context, device, web.url)
    page = context.new_page()
    page.add_init_script(script)
    page.goto(f"{web.url}{path}")
    expect(page.locator("main")).to_have_attribute(*LIVE)
    return page


@pytest.fixture
def asleep(chromium, lively, laptop, here):
    """A page whose server beats often and whose patience is short."""
    context = chromium.new_context()
    page = opened_in(context, lively, laptop, here, IMPATIENT)
    page.evaluate("window.same = true")
    yield page
    context.close()


@pytest.fixture
def run(conversation, laptop):
    run = conversation.post("Count", laptop)[1]
    begin(run)
    append(run, run.event("block.started", index=0, kind="text"))
    return run


class Counting:
    """Says one number after the other; `said` is what every page must show."""

    def __init__(self, run):
        self.run, self.number = run, 0

    def more(self, times=1):
        for _ in range(times):
            append(self.run, self.run.event("block.delta", index=0, text=f"{self.number} "))
            self.number += 1

    @property
    def said(self):
        return " ".join(map(str, range(self.number)))


@pytest.fixture
def counting(run):
    count = Counting(run)
    count.more(3)
    return count


def right(page, text, capsys, what):
    """Says how long it took, and that it is still the page that was loaded."""
    began = time.monotonic()
    expect(page.locator(".blocks")).to_have_text(text, timeout=IN_TIME)
    with capsys.disabled():
        print(f"\n{what}: right after {(time.monotonic() - began) * 1000:.0f} ms")
    assert page.evaluate("window.same")


def step(page, direction):
    """Only later: the page's scripts end with the page, this one's answer with them."""
    page.evaluate(f"void setTimeout(() => history.{direction}())")


def test_a_page_out_of_the_back_forward_cache_goes_on(caching, laptop, counting, here, run, capsys):
    page = caching(laptop, here)
    expect(page.locator(".blocks")).to_have_text(counting.said)
    for times in (1, 2):
        with page.expect_event("requestfailed", lambda it: "/events" in it.url):
            page.goto("/devices/") if times == 1 else step(page, "forward")
        expect(page).to_have_url(re.compile("/devices/$"))
        counting.more(5)
        step(page, "back")
        expect(page).to_have_url(re.compile(f"{here}$"))
        right(page, counting.said, capsys, "out of the back-forward cache")
        assert page.evaluate("shown") == [False, *[True] * times]
        counting.more()
        expect(page.locator(".blocks")).to_have_text(counting.said)
    step(page, "forward")
    expect(page).to_have_url(re.compile("/devices/$"))
    complete(run)
    step(page, "back")
    expect(page.locator(".answer")).to_have_attribute("data-state", "completed", timeout=IN_TIME)
    assert page.evaluate("[same, shown.at(-1)]") == [True, True]


def test_a_device_thrown_out_meanwhile_ends_at_the_sign_in(caching, laptop, counting, here):
    page = caching(laptop, here)
    page.goto("/healthz")  # without a stream of its own, that would leave before it is told to
    laptop.revoke()
    step(page, "back")
    # Where it stands, not that the new page has loaded whatever it names.
    expect(page).to_have_url(re.compile(r"/sign-in/\?next="), timeout=2 * IN_TIME)


def test_back_after_a_sign_out_shows_nothing_of_the_person(caching, laptop, counting, here):
    page = caching(laptop, here, anything=False)
    expect(page.locator(".blocks")).to_have_text(counting.said)
    # Its stream, which ends before the form is answered, makes it ask whether it may stay: it would
    # give its own place in the history to the sign-in page, and there were none to go back to.
    page.route(f"**{here}", none_to_scripts)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    step(page, "back")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next="))
    assert True not in page.evaluate("window.shown ?? []"), "loaded, and not out of a cache"


def test_a_frozen_page_goes_on_when_it_thaws(asleep, counting, capsys):
    expect(asleep.locator(".blocks")).to_have_text(counting.said)
    devtools = asleep.context.new_cdp_session(asleep)
    for _ in range(2):
        devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        frozen = time.monotonic()
        while time.monotonic() - frozen < 3:
            counting.more()
            time.sleep(0.02)  # a model's pace
        devtools.send("Page.setWebLifecycleState", {"state": "active"})
        right(asleep, counting.said, capsys, "thawed")
    assert Run.objects.get().status == "running"


def test_a_server_that_stood_still_is_waited_for(asleep, lively, counting, capsys):
    expect(asleep.locator(".blocks")).to_have_text(counting.said)
    lively.send(signal.SIGSTOP)
    counting.more(5)
    expect(asleep.get_by_text("Reconnecting…")).to_be_visible(timeout=10_000)
    lively.send(signal.SIGCONT)
    right(asleep, counting.said, capsys, "the server goes on")
    expect(asleep.locator("main")).to_have_attribute(*LIVE)
    counting.more()
    expect(asleep.locator(".blocks")).to_have_text(counting.said, timeout=IN_TIME)
    expect(asleep.get_by_text("Reconnecting…")).to_be_hidden()


def test_a_network_that_was_away_is_back_at_once(asleep, lively, counting, capsys):
    """Offline alone would leave the browser the link that it has."""
    asleep.context.set_offline(True)
    lively.send(signal.SIGSTOP)
    counting.more(5)
    with asleep.expect_event("requestfailed", lambda it: "DISCONNECTED" in (it.failure or "")):
        expect(asleep.locator("#streams-note")).to_have_text("Offline")
    lively.send(signal.SIGCONT)
    counting.more(5)
    asleep.context.set_offline(False)
    right(asleep, counting.said, capsys, "online again")
    expect(asleep.locator("#streams-note")).to_be_hidden()


def test_a_link_that_died_while_the_lid_was_closed_is_not_waited_for(open_as, laptop, here):
    """Ten seconds asleep: too short for the page's own patience, enough for any router's."""
    page = open_as(laptop, here)
    page.clock.install()
    dead = []
    page.route("**/events?*", lambda it: it.continue_() if dead else dead.append(it))
    with page.expect_request("**/events?*"):
        page.reload()
    page.clock.fast_forward(10_000)
    expect(page.locator("main")).to_have_attribute(*LIVE, timeout=IN_TIME)
