"""The page is reloaded again and again in the middle of an answer, and resumes it."""

from __future__ import annotations

import random
import re

from playwright.sync_api import expect

from streams import log
from streams.log import transcript
from tests.processes import WorkerProcess, eventually

TEXT = re.compile(r"<[^>]+>")


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def committed(run) -> list[str]:
    """Returns what the log holds of the answer at this moment."""
    blocks = transcript.blocks_of(log.run_rows(run.conversation_id, run.pk))
    return numbers(blocks[0]["text"]) if blocks else []


def test_refreshes_of_one_answer_end_with_the_databases_text(
    open_as, spawn, conversation, laptop, here
):
    conversation.change(laptop, model="scripted:count-300@60")
    spawn(WorkerProcess)
    conversation.refresh_from_db()
    page = open_as(laptop, here)
    _, run, _ = conversation.post("Count", laptop)
    chance = random.Random(10)
    for target in sorted(chance.sample(range(10, 250), 5)):
        eventually(lambda target=target: len(committed(run)) >= target, every=0.01)
        before = committed(run)
        html = page.reload().text()
        shown = numbers(TEXT.sub(" ", html[html.index('class="blocks"') :]))
        assert shown[: len(before)] == before
    expect(page.locator(".answer")).to_have_attribute("data-state", "completed", timeout=30_000)
    run.refresh_from_db()
    assert run.status == "completed"
    assert numbers(page.locator(".answer .blocks").inner_text()) == numbers(run.answer.text)
    assert numbers(run.answer.text) == [str(n) for n in range(1, 301)]
