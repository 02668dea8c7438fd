"""The settings of a deployment: their defaults, and what HTTPS=1 changes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from streams import access
from streams.http.handler import OneThreadHandler
from streams.models import Device
from tests.factories import PASSWORD
from tests.shared_folders import as_deployed

ROOT = Path(__file__).parents[2]
SHOWN = (
    "DEBUG", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
)  # fmt: skip
SHOW = (
    "import json, django; from django.conf import settings;"
    f"print(json.dumps({{n: getattr(settings, n) for n in {SHOWN}}}))"
)


def settings_with(**given):
    """The production settings in a process that knows only this."""
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "chatstream.settings"}
    return subprocess.run(
        [sys.executable, "-c", SHOW], env=environment | given, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


def test_without_a_secret_key_or_a_database_nothing_starts():
    for given, wanted in (
        ({"DATABASE_URL": "postgresql:///x"}, "SECRET_KEY"),
        ({"SECRET_KEY": "", "DATABASE_URL": "postgresql:///x"}, "SECRET_KEY"),
        ({"SECRET_KEY": "k" * 50}, "DATABASE_URL"),
    ):
        ended = settings_with(**given)
        assert ended.returncode
        assert f"Set {wanted}" in ended.stderr


def test_debug_is_off_and_https_makes_everything_secure():
    known = {"SECRET_KEY": "k" * 50, "DATABASE_URL": "postgresql:///x"}
    assert json.loads(settings_with(**known).stdout)["DEBUG"] is False
    secure = json.loads(settings_with(**known, HTTPS="1").stdout)
    assert secure.pop("SECURE_HSTS_SECONDS") > 0
    assert secure.pop("SESSION_COOKIE_SAMESITE") == "Lax"
    assert secure.pop("DEBUG") is False
    assert set(secure.values()) == {True}


@pytest.mark.django_db
def test_cookies_go_over_tls_alone_and_scripts_read_only_the_csrf_token(anna, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client()
    client.get("/sign-in/", secure=True)
    client.post("/sign-in/", {"username": "anna", "password": PASSWORD}, secure=True)
    client.get("/c/", secure=True)
    assert set(client.cookies) == {"sessionid", "csrftoken", access.DEVICE_COOKIE}
    for name, cookie in client.cookies.items():
        assert (cookie["secure"], cookie["samesite"]) == (True, "Lax")
        assert bool(cookie["httponly"]) is (name != "csrftoken")


@pytest.mark.django_db
def test_pages_of_a_person_are_kept_by_no_cache_and_sniffed_by_no_browser(client, anna):
    client.force_login(anna)
    response = client.get("/c/")
    assert response["Cache-Control"] == "no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
def test_another_secret_key_signs_nobody_out_and_the_old_one_may_go(client, anna, settings):
    client.post("/sign-in/", {"username": "anna", "password": PASSWORD})
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-" + "k" * 50
    settings.SECRET_KEY_FALLBACKS = [old]
    assert client.get("/c/").status_code == 200
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    assert access.device_key(cookies, []), "signed anew at once"
    known = access.keys(cookies)
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/c/").status_code == 200
    assert access.keys({name: it.value for name, it in client.cookies.items()}) == known
    device = Device.objects.get()
    assert (device.key, device.signed_in) == (known["key"], True)


@pytest.fixture
def deployed(settings, static_root):
    """Static files collected as on a server, names with a hash of what is inside."""
    settings.WHITENOISE_USE_FINDERS = False
    for name, value in as_deployed(static_root).items():
        setattr(settings, name, value)
    return static_root


@pytest.mark.django_db
def test_every_page_names_its_files_by_what_is_in_them(deployed, client, anna, conversation):
    client.force_login(anna)
    pages = ["/c/", f"/c/{conversation.uuid}/", "/devices/", "/password/"]
    html = "".join(client.get(path).content.decode() for path in pages)
    named = set(re.findall(r'(?:href|src)="/static/([^"#]+)', html))
    assert named
    for name in named:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", name), name
        assert (deployed / name).is_file()


async def test_a_static_file_is_served_whole_and_without_a_warning(settings, recwarn):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    scope = {"type": "http", "method": "GET", "path": "/static/streams/css/base.css", "headers": []}
    coming = [{"type": "http.request"}]
    sent = []

    async def receive():
        return coming.pop() if coming else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await OneThreadHandler()(scope, receive, send)

    assert sent[0]["status"] == 200
    body = b"".join(message.get("body", b"") for message in sent)
    assert body == (ROOT / "static/streams/css/base.css").read_bytes()
    assert not [warning for warning in recwarn if "Streaming" in str(warning.message)]


def test_every_sheet_is_used_and_none_is_long():
    templates = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    admin = (ROOT / "streams" / "admin" / "base.py").read_text()
    tag = (ROOT / "streams" / "templatetags" / "streams.py").read_text()
    for sheet in (ROOT / "static" / "streams" / "css").glob("*.css"):
        named = f"css/{sheet.name}" in templates + admin or f'"{sheet.stem}"' in tag
        assert named, sheet.name
        assert len(sheet.read_text().splitlines()) < 250, sheet.name
