"""The first five minutes: from `manage.py dev` in an empty folder to the first word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from http.cookiejar import CookieJar
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from .measure import Figures
from .processes import ROOT, House

PATIENCE = 120


def first_five_minutes(house: House) -> Figures:
    unset = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "DEBUG", "STREAMS")
    environment = {name: text for name, text in os.environ.items() if name not in unset}
    with TemporaryDirectory(prefix="chatstream-cold-") as folder:
        began = time.monotonic()
        dev = subprocess.Popen(
            [sys.executable, "manage.py", "dev", "--port", "0", "--data", folder],
            cwd=ROOT,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            url = address(dev)
            ready = time.monotonic() - began
            first_word(url)
            return {"ready_s": ready, "first_token_s": time.monotonic() - began}
        finally:
            dev.terminate()
            dev.wait(60)
            Path(folder).mkdir(exist_ok=True)


def address(dev: subprocess.Popen[str]) -> str:
    assert dev.stdout
    for line in dev.stdout:
        if found := re.search(r"is at (http://\S+?)/\s", line):
            return found[1]
    raise RuntimeError("manage.py dev ended before it was ready")


def first_word(url: str) -> None:
    """Sign in as a person would, ask, and read until a word comes."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar), ProxyHandler({}))
    browser.addheaders = [("Accept", "text/html"), ("Referer", url)]
    where = browser.open(f"{url}/", timeout=PATIENCE).geturl()

    def send(path: str, **form: str) -> str:
        token = next((c.value for c in jar if c.name == "csrftoken"), "")
        body = urlencode(form | {"csrfmiddlewaretoken": token or ""}).encode()
        return str(browser.open(Request(path, body), timeout=PATIENCE).geturl())

    send(where, username="demo", password="demo")
    here = send(f"{url}/c/", content="Hello!").partition("#")[0]
    with browser.open(f"{here.rstrip('/')}/events", timeout=PATIENCE) as stream:
        for line in stream:
            if line.startswith(b"event: block.delta"):
                return
