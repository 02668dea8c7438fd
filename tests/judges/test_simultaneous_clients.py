"""One answer that `useChat` has begun, followed by others at once, and stopped on a phone."""

from __future__ import annotations

import os
import shutil

import pytest
from django.db import connections
from playwright.sync_api import expect, sync_playwright

from streams.models import Run
from tests.browser.conftest import QUIET, sign_in
from tests.processes import debian_program, eventually

from .witnesses.witness import FOLLOWING, all_ended, all_show, wrong

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
BEGINS = "AI SDK 7, useChat"
ENDS = {"openai-python, Responses": "cancelled", "AG-UI": "cancelled", BEGINS: "ready"}


@pytest.fixture
def opened(web, phone, monkeypatch):
    """Opens a page on a phone. Its browser is gone with the test: other tests of this folder cannot
    run beside its event loop."""
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    path = shutil.which("chromium-headless-shell") or debian_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        context = browser.new_context(
            base_url=web.url, viewport={"width": 390, "height": 844}, has_touch=True
        )
        sign_in(context, phone, web.url)
        page = context.new_page()

        def open_page(path):
            page.goto(path)
            return page

        yield open_page
        browser.close()
        connections.close_all()  # those of this event loop


def test_begun_by_use_chat_followed_by_all_and_stopped_on_a_phone(witness, told, opened):
    words = ["One", " two", " three", " four"]
    told.say(*words[:2])
    begins = witness(BEGINS, prompt="together")
    all_show("One two", begins)
    run = Run.objects.select_related("conversation", "answer").get()
    page = opened(f"/c/{run.conversation.uuid}/")
    answer = page.locator(".answer")
    follow = [witness(name, prompt="together", joins=run.uuid.hex) for name in FOLLOWING]
    all_show("One two", *follow)
    expect(answer).to_contain_text("One two")
    told.say(*words[2:])
    all_show("One two three four", begins, *follow)
    expect(answer).to_contain_text("One two three four")
    page.get_by_role("button", name="Stop", exact=True).click()
    all_ended(begins, *follow)
    expect(answer.locator(".stopped")).to_have_text("Stopped")
    expect(answer).to_contain_text("One two three four")

    run.refresh_from_db()
    run.answer.refresh_from_db()
    assert (run.status, run.answer.text) == ("cancelled", "".join(words))
    whole = {"pieces": [run.answer.text], "stands": run.answer.text, "messages": 2}
    names = [BEGINS, *FOLLOWING]
    faults = [
        wrong(each, end=ENDS[name], **whole)
        for name, each in zip(names, [begins, *follow], strict=True)
    ]
    assert faults == [{}, {}, {}]
    eventually(lambda: told.closed == 1)
    assert len(told.requests) == 1
