"""Takes the README's picture: one answer growing on a laptop and on a phone, light and dark.

    uv run docs/screenshot.py

Starts `manage.py dev` on a folder and a port of its own, and drives Debian's Chromium.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
EARLIER = ("A week in Lisbon by train", "Why is the sky blue?", "Tests for a parser of dates")
ASKED = "How do you survive a refresh?"
SHARPNESS = 1.5
DESK = """
<style>
  body {{ margin: 0; width: 1120px; height: 580px; position: relative; }}
  img {{ position: absolute; display: block; border: 1px solid {line}; box-sizing: border-box; }}
  .laptop {{ left: 0; top: 0; width: 870px; border-radius: 12px; }}
  .phone {{ right: 0; bottom: 0; width: 262px; border-radius: 28px; border: 6px solid {frame}; }}
</style>
<img class="laptop" src="data:image/png;base64,{laptop}">
<img class="phone" src="data:image/png;base64,{phone}">
"""
COLORS = {
    "light": {"line": "#c9ced6", "frame": "#2b2f36"},
    "dark": {"line": "#3b424d", "frame": "#59616d"},
}


@contextmanager
def site() -> Iterator[str]:
    """The address of a site that is gone afterwards."""
    ours = ("DATABASE_URL", "SECRET_KEY", "DATA_DIR", "STREAMS")
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "dev", "--port", "0", "--data", data],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in ours},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout
            line = next(line for line in process.stdout if "chatstream is at" in line)
            yield line.split("chatstream is at ")[1].split()[0]
        finally:
            process.terminate()
            process.wait()


def signed_in(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(f"{url}sign-in/")
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", "demo")
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/c/")
    return page


def call(page: Page, method: str, path: str, **body: str) -> dict[str, str]:
    """A request as a program makes it."""
    answered = page.evaluate(
        """async ({ method, path, body }) => {
            const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
            const headers = {
                "Content-Type": "application/json", Accept: "application/json",
                "X-CSRFToken": token,
            };
            const response = await fetch(path, { method, headers, body: JSON.stringify(body) });
            return response.status === 204 ? {} : await response.json();
        }""",
        {"method": method, "path": path, "body": body},
    )
    return dict(answered)


def picture(browser: Browser, url: str, scheme: str) -> bytes:
    both = {"color_scheme": scheme, "device_scale_factor": SHARPNESS}
    laptop = browser.new_context(viewport={"width": 1000, "height": 640}, **both)
    phone = browser.new_context(
        viewport={"width": 340, "height": 660}, user_agent=PHONE, is_mobile=True, **both
    )
    here, there = signed_in(laptop, url), signed_in(phone, url)
    asked = [call(here, "POST", "/c/", model="scripted:demo@0", content=it) for it in EARLIER]
    asked.append(call(here, "POST", "/c/", model="scripted:demo@15", content=ASKED))
    for page in (here, there):
        page.goto(url.rstrip("/") + asked[-1]["url"])
    for page in (here, there):
        page.wait_for_selector("text=Press Stop on either. The text so")
    shots = {
        name: base64.b64encode(page.screenshot(scale="device")).decode()
        for name, page in (("laptop", here), ("phone", there))
    }
    desk = browser.new_page(viewport={"width": 1120, "height": 580}, device_scale_factor=SHARPNESS)
    desk.set_content(DESK.format(**shots, **COLORS[scheme]))
    desk.wait_for_load_state("networkidle")
    taken = desk.screenshot(omit_background=True)
    for each in asked:
        call(here, "DELETE", each["url"])
    for each in (laptop, phone, desk):
        each.close()
    return taken


if __name__ == "__main__":
    with site() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for scheme in ("light", "dark"):
            (IMAGES / f"screenshot-{scheme}.png").write_bytes(picture(browser, url, scheme))
        browser.close()
