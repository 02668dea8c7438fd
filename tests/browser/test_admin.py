"""The admin's list of runs, as it stands on the screen of the person on call."""

from __future__ import annotations

import pytest

from streams.models import Run
from tests.factories import ConversationFactory, WorkerFactory

SIDES = (
    "(cells) => cells.map((cell) => [cell.innerText.trim(), cell.getBoundingClientRect().right])"
)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_what_runs_what_is_stuck_and_why_is_seen_without_scrolling(
    open_as, laptop, anna, conversation, colours
):
    type(anna).objects.update(is_staff=True, is_superuser=True)
    _, run, _ = conversation.post(
        "Why is the sky as blue as it is, and why so for so long?", laptop
    )
    ConversationFactory(owner=anna, title="word " * 20).post("Hi", laptop)
    Run.objects.filter(pk=run.pk).update(
        status="failed",
        error_code="context_length",
        attempt=3,
        model="anthropic:claude-sonnet-5-5",
        worker=WorkerFactory(name="chatstream-worker-7f8d9c5b4-abcde:12345"),
    )
    page = open_as(
        laptop,
        "/admin/streams/run/",
        viewport={"width": 1280, "height": 800},
        color_scheme=colours,
    )
    sides = page.locator("#result_list thead th").evaluate_all(SIDES)
    results, filters = page.locator(".results"), page.locator("#changelist-filter")
    end = results.bounding_box()["x"] + results.bounding_box()["width"]
    assert [name.lower() for name, side in sides if side <= end + 1] == [
        *("", "status", "age", "first token", "tokens/s", "took", "worker"),
        *("conversation", "model"),
    ]
    assert results.evaluate("(it) => it.scrollWidth - it.clientWidth") <= 0
    assert filters.bounding_box()["x"] >= end
    assert filters.bounding_box()["x"] + filters.bounding_box()["width"] <= 1280
