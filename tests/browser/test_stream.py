"""The page handles rare events of its stream, and a stream that says nothing."""

from __future__ import annotations

import json
from itertools import count

from playwright.sync_api import expect

from tests.views.answers import append, begin, say

EVENTS = "**/events?*"


def frames(*frames):
    """The body of a stream that says this and ends."""
    lines = ["retry: 20\n\n"]
    for kind, data, *number in frames:
        lines += [f"id: {n}\n" for n in number]
        lines.append(f"event: {kind}\ndata: {json.dumps(data)}\n\n")
    return {"body": "".join(lines), "content_type": "text/event-stream"}


def reload_with(page, answer):
    """Load the page again with a stream that `answer` speaks for."""
    page.route(EVENTS, answer)
    page.reload()


def test_a_log_that_is_not_the_one_known_reloads_the_page_once(open_as, laptop, here):
    page = open_as(laptop, here)
    epochs = iter("abcdefghij")
    loads = []
    page.on("load", lambda: loads.append(1))

    def answer(route):
        route.fulfill(**frames(("sync", {"head": 0, "epoch": next(epochs, "z")})))

    with page.expect_event("load", lambda _: len(loads) == 2):
        reload_with(page, answer)
    for _ in range(2):
        page.wait_for_event("request", lambda request: "/events" in request.url)
    assert len(loads) == 2


def test_a_log_that_changes_twice_in_a_short_while_is_read_twice(open_as, laptop, here):
    """The second time a little later, and not never."""
    page = open_as(laptop, here)
    page.add_init_script(
        "const real = setTimeout;"
        "window.setTimeout = (step, ms, ...rest) =>"
        " real(step, ms > 5000 && ms <= 10000 ? 500 : ms, ...rest);"
    )
    epochs = count()
    loads = []
    page.on("load", lambda: loads.append(1))

    def answer(route):
        route.fulfill(**frames(("sync", {"head": 0, "epoch": str(next(epochs))})))

    with page.expect_event("load", lambda _: len(loads) == 3):
        reload_with(page, answer)


def test_a_log_that_begins_again_is_shown_from_its_beginning(open_as, laptop, conversation, here):
    conversation.post("From before", laptop)
    page = open_as(laptop, here)
    message = {"message": "00000000-0000-4000-8000-000000000001", "role": "user", "text": "Anew"}
    answers = iter([frames(("resync", {}), ("message.created", message, 1))])
    reload_with(page, lambda route: route.fulfill(**next(answers, frames(("ping", {})))))
    expect(page.locator(".prompt .said")).to_have_text(["Anew"])
    expect(page.locator(".answer")).to_have_count(0)


def test_a_log_that_begins_again_gives_no_prompt_back(open_as, laptop, conversation, here):
    """One that was taken back long ago comes with the rest; it is not this moment's draft."""
    page = open_as(laptop, here)
    ids = {name: f"00000000-0000-4000-8000-00000000000{at}" for at, name in enumerate("mar")}
    prompt = {"message": ids["m"], "role": "user", "text": "Long ago"}
    queued = {"run": ids["r"], "prompt": ids["m"], "message": ids["a"], "model": "any:model"}
    device = {"id": str(laptop.uuid), "name": "Laptop"}
    anew = prompt | {"message": "00000000-0000-4000-8000-000000000009", "text": "Anew"}
    answers = iter(
        [
            frames(
                ("resync", {}),
                ("message.created", prompt, 1),
                ("run.queued", queued, 2),
                ("run.cancelled", {"run": ids["r"], "device": device}, 3),
                ("message.created", anew, 4),
            )
        ]
    )
    reload_with(page, lambda route: route.fulfill(**next(answers, frames(("ping", {})))))
    expect(page.locator(".prompt .said")).to_have_text(["Anew"])
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_what_came_before_the_cursor_changes_nothing(open_as, laptop, conversation, here):
    _, run, _ = conversation.post("Once", laptop)
    page = open_as(laptop, here)
    message = {"message": "00000000-0000-4000-8000-000000000001", "role": "user"}
    body = frames(
        ("message.created", message | {"text": "Repeated"}, 1),
        ("run.started", {"run": str(run.uuid), "attempt": 1}, 3),
        ("run.started", {"run": str(run.uuid), "attempt": 1}, 3),
        ("block.started", {"run": str(run.uuid), "index": 0, "kind": "text"}, 4),
        ("block.delta", {"run": str(run.uuid), "index": 0, "text": "one "}, 5),
        ("block.delta", {"run": str(run.uuid), "index": 0, "text": "one two ", "from": 5}, 6),
        ("block.delta", {"run": str(run.uuid), "index": 0, "text": "three", "from": 7}, 8),
        ("sync", {"head": 8, "epoch": "a"}),
    )
    answers = iter([body])
    reload_with(page, lambda route: route.fulfill(**next(answers, frames(("ping", {})))))
    expect(page.locator(".blocks")).to_have_text("one two three")
    expect(page.locator(".prompt")).to_have_count(1)


def test_signed_out_elsewhere_leaves_the_page_with_a_way_back(open_as, laptop, here):
    page = open_as(laptop, here)

    def refuse(route):
        page.context.clear_cookies()
        route.fulfill(status=401, json={})

    reload_with(page, refuse)
    page.wait_for_url(f"**/sign-in/?next={here.replace('/', '%2F')}")
    open_as.expected += ("401", "403")  # the stream, and what the page sends as it goes


def test_a_refusal_that_passes_is_tried_again(open_as, laptop, here):
    page = open_as(laptop, here)
    answers = iter([{"status": 503, "json": {}}])
    reload_with(
        page,
        lambda route: (
            route.fulfill(**answer) if (answer := next(answers, None)) else route.continue_()
        ),
    )
    expect(page.locator("main")).to_have_attribute("data-connection", "live")
    open_as.expected.append("503")


def test_silence_is_a_dead_link(open_as, laptop, here):
    page = open_as(laptop, here)
    page.clock.install()
    with page.expect_request(EVENTS):
        reload_with(page, lambda route: None)
    with page.expect_request(EVENTS):
        page.clock.run_for(27_000)
    page.clock.run_for(3_000)
    expect(page.get_by_text("Reconnecting…")).to_be_visible()


def test_a_hidden_page_gives_its_stream_up_and_goes_on_when_shown(open_as, laptop, here):
    page = open_as(laptop, here)
    expect(page.locator("main")).to_have_attribute("data-connection", "live")
    show = """state => {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with page.expect_event("requestfailed", lambda request: "/events" in request.url):
        page.evaluate(show, "hidden")
    with page.expect_request(EVENTS):
        page.evaluate(show, "visible")


def test_formatting_that_is_refused_is_not_asked_for_again_and_again(
    open_as, laptop, conversation, here
):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    page = open_as(laptop, here)
    open_as.expected.append("422")
    asked = []
    page.route("**/render", lambda route: (asked.append(1), route.fulfill(status=422, json={})))
    say(run, end=False)
    for number in range(20):
        append(run, run.event("block.delta", index=0, text=f"{number} "))
        expect(page.locator(".fresh")).to_contain_text(f"{number} ")
    assert 1 <= len(asked) < 10  # of twenty reasons; a pause between two is by the clock
    append(run, run.event("block.delta", index=0, text="\n\n## Marks"))
    expect(page.locator(".fresh")).to_contain_text("## Marks")  # are better than nothing
