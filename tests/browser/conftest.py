"""A real Chromium against a real ASGI server on the test database."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.client import cookies_of
from tests.processes import Web, debian_program

from .profiles import Profiles

expect.set_options(timeout=20_000)  # a busy machine is slow, and what is right comes at once
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    # Its address bar is two pages of its own beside each of ours, and most of what a page costs.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
]


def pytest_collection_modifyitems(items):
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium():
    """Gone with the last browser test: asyncio's own tests cannot run beside its event loop."""
    # The engine without a window, if it is there: a page costs a third less.
    path = shutil.which("chromium-headless-shell") or debian_program("chromium")
    # Playwright's own event loop would make Django refuse to query in the test itself.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="package")
def web(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        process = Web()
    yield process
    process.stop()


def sign_in(context, device, url):
    """Signs a browser in without the form, by the cookies that the form would leave."""
    cookies = cookies_of(device).items()
    context.add_cookies([{"name": name, "value": text, "url": url} for name, text in cookies])


@pytest.fixture(autouse=True)
def _settled(settled):
    """Every page here asks one web process."""


@pytest.fixture(scope="package")
def profiles(chromium, web):
    return Profiles(chromium, web.url)


@pytest.fixture
def open_as(profiles, web, transactional_db):
    """Open a page as a device; whatever it complains about fails the test."""
    complaints = []

    def opened(device, path="/c/", **options):
        page = profiles.lend(**options)
        if device:  # or nobody is signed in
            sign_in(page.context, device, web.url)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda it: complaints.append(it.text) if it.type == "error" else None)
        page.goto(path)
        return page

    opened.complaints = complaints
    opened.expected = []  # what the browser itself says of an answer that the test is about
    yield opened
    profiles.take_back()
    assert [it for it in complaints if not any(each in it for each in opened.expected)] == []


@pytest.fixture
def here(conversation):
    return f"/c/{conversation.uuid}/"
