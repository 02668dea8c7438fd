"""A long answer stays smooth on a slow device: no task holds the page up while it streams, is
scrolled and written beside. Figures are of the machine, so it is measured when asked: `--smooth`.
"""

from __future__ import annotations

import json
import threading
import time

import pytest
from django.db import connection

from streams.providers.demo_text import ANSWER
from tests.processes import Web
from tests.views.answers import append, begin, say

from .conftest import sign_in

SLOWER = 4  # than here, as a phone is
TOKENS_A_SECOND = 100
SECONDS = 6
LENGTH = 40_000  # characters, 10,000 tokens
LONGEST_TASK, FIRST_PAINT = 100, 300  # ms, on the slower device

TRACED = ["toplevel", "devtools.timeline", "v8", "loading"]
SCREEN = {"viewport": {"width": 390, "height": 800}, "is_mobile": True, "has_touch": True}


@pytest.fixture(autouse=True)
def _asked_for(request):
    if not request.config.getoption("--smooth"):
        pytest.skip("measured with --smooth")


@pytest.fixture
def deployed(transactional_db, static_root):
    """A site whose static files are named by what they hold: browsers ask for them once."""
    web = Web(DJANGO_SETTINGS_MODULE="tests.settings_collected", COLLECTED=str(static_root))
    yield web.url
    web.stop()


def markdown_of(length):
    part = ANSWER.format(said="Go on") + "\n\n"
    return (part * (length // len(part) + 1))[:length]


def keep_saying(run, ended):
    """Says a token each hundredth of a second."""
    text = markdown_of(LENGTH + SECONDS * TOKENS_A_SECOND * 20)[LENGTH:]
    began, said = time.monotonic(), 0
    while not ended.wait(1 / TOKENS_A_SECOND):
        due = int((time.monotonic() - began) * TOKENS_A_SECOND) * 4
        if pieces := [text[at : at + 4] for at in range(said, min(due, len(text)), 4)]:
            append(run, *(run.event("block.delta", index=0, text=piece) for piece in pieces))
            said += 4 * len(pieces)
    connection.close()


def test_a_long_answer_streams_scrolls_and_is_written_beside(
    chromium, deployed, laptop, conversation, here, capsys
):
    run = conversation.post("Go on", laptop)[1]
    begin(run)
    say(run, markdown_of(LENGTH), end=False)
    context = chromium.new_context(base_url=deployed, **SCREEN)
    sign_in(context, laptop, deployed)
    page = context.new_page()
    for _ in range(2):  # until all that can be kept is
        page.goto(here)
        page.wait_for_timeout(1500)
    ended = threading.Event()
    speaker = threading.Thread(target=keep_saying, args=(run, ended))
    chromium.start_tracing(page=page, categories=TRACED)
    try:
        page.goto(here)
        speaker.start()
        for turn in range(SECONDS):
            page.locator("#streams-message").press_sequentially("words ", delay=40)
            page.mouse.wheel(0, -600 if turn % 2 else 600)
            page.wait_for_timeout(400)
    finally:
        ended.set()
        speaker.join()
        trace = json.loads(chromium.stop_tracing())["traceEvents"]
    context.close()
    painted, after = measured(trace)
    with capsys.disabled():
        print(f"\nfirst paint {painted:.0f} ms after the first byte")
        print(*[f"after it, {took:.0f} ms: {on}" for took, on in after], sep="\n")
    assert painted < FIRST_PAINT
    assert after[0][0] < LONGEST_TASK


def measured(trace):
    """Returns the time a slower device computes between the first byte and the first paint, and its
    longest tasks after that, in ms. They are times of the processor: what else it does meanwhile is
    not counted, nor what the browser does for whoever drives it.
    """
    began = next(each for each in trace if each["name"] == "ResourceReceiveResponse")
    paint = next(each for each in trace if each["name"] == "firstContentfulPaint")
    page = (paint["pid"], paint["tid"])
    here = [it for it in trace if (it["pid"], it["tid"]) == page and it["ph"] == "X"]
    driven = [it["ts"] for it in here if "DevToolsSession" in json.dumps(it["args"])]
    tasks = [
        it
        for it in here
        if it["name"].endswith("RunTask")
        and "tdur" in it
        and not any(it["ts"] <= at < it["ts"] + it["dur"] for at in driven)
    ]
    before = [it for it in tasks if began["ts"] <= it["ts"] < paint["ts"]]
    painted = sum(it["tdur"] for it in before) * SLOWER / 1000
    return painted, longest_of([it for it in tasks if it["ts"] >= paint["ts"]], here)


def longest_of(tasks, here):
    longest = sorted(tasks, key=lambda it: -it["tdur"])[:5]
    return [(it["tdur"] * SLOWER / 1000, parts(it, here)) for it in longest]


def parts(task, here):
    """Returns what a task spent its time on, in ms of the slower device."""
    within = [
        it
        for it in here
        if task["ts"] < it["ts"] < task["ts"] + task["dur"] and it.get("tdur", 0) > 1000
    ]
    longest = sorted(within, key=lambda it: -it["tdur"])[:8]
    return ", ".join(f"{it['name']} {it['tdur'] * SLOWER / 1000:.0f}{where(it)}" for it in longest)


def where(event):
    data = event.get("args", {}).get("data", {})
    script = (data.get("url") or data.get("fileName") or "").rpartition("/")[2].partition(".")[0]
    return f" ({script} {data.get('functionName', '')})" if script else ""
