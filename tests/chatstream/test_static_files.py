"""Static files are answered before Django's handler, in its words."""

from __future__ import annotations

import asyncio
import os
import shutil

import pytest

from chatstream.static_files_server import PIECE, WithStaticFiles
from streams.http.handler import OneThreadHandler
from tests.shared_folders import as_deployed

SHEET = "/static/streams/css/base.css"
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


async def get(app, path, method="GET", root_path="", **headers):
    """Returns status, headers and body."""
    said = {"host": "localhost"} | {k.replace("_", "-"): v for k, v in headers.items()}
    scope = {
        "type": "http", "method": method, "path": path, "root_path": root_path,
        "http_version": "1.1", "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in said.items()],
    }  # fmt: skip
    coming = [{"type": "http.request"}]
    sent = []

    async def receive():
        return coming.pop() if coming else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], found, b"".join(each.get("body", b"") for each in rest)


async def unasked(scope, receive, send):
    raise AssertionError(f"Django was asked for {scope['path']}")


@pytest.fixture
def collected(settings, tmp_path, static_root):
    """Files as on a server: compressed, names with a hash of what is inside, and one large file."""
    root = tmp_path / "collected"
    shutil.copytree(static_root, root, copy_function=os.link)
    (root / "large.bin").write_bytes(b"0123456789" * PIECE)
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    for name, value in as_deployed(root).items():
        setattr(settings, name, value)
    return root


async def test_what_was_collected_is_answered_as_django_would(collected):
    ours, djangos = WithStaticFiles(unasked), OneThreadHandler()
    hashed = next((collected / "streams/css").glob("base.*.css"))
    here = f"/static/streams/css/{hashed.name}"
    whole = hashed.read_bytes()

    async def both(path, **options):
        found = await get(ours, path, **options)
        assert found == await get(djangos, path, **options)
        return found

    status, headers, body = await both(here)
    assert (status, body) == (200, whole)
    assert headers["cache-control"] == "max-age=315360000, public, immutable"
    assert headers.items() >= SECURITY.items()
    tag, modified = headers["etag"], headers["last-modified"]

    status, headers, body = await both(here, accept_encoding="gzip, br")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert len(body) == int(headers["content-length"]) < len(whole)
    assert "Accept-Encoding" in headers["vary"]

    assert (await both(here, method="HEAD"))[::2] == (200, b"")
    assert (await both(here, method="POST"))[0] == 405
    assert (await both(here, if_none_match=tag))[::2] == (304, b"")
    assert (await both(here, if_modified_since=modified))[::2] == (304, b"")
    status, headers, body = await both(here, range="bytes=2-5")
    assert (status, body) == (206, whole[2:6])
    assert headers["content-range"] == f"bytes 2-5/{len(whole)}"
    assert (await both(here, range=f"bytes={len(whole)}-"))[0] == 416
    assert (await both("/static/large.bin"))[2] == b"0123456789" * PIECE
    assert (await both(f"/chat{here}", root_path="/chat"))[2] == whole
    assert (await both(here, root_path="/chat"))[2] == whole


async def test_what_was_not_collected_is_found_where_it_stands(settings):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    status, headers, body = await get(WithStaticFiles(unasked), SHEET)
    source = settings.BASE_DIR / "static/streams/css/base.css"
    assert (status, body) == (200, source.read_bytes())
    assert headers.items() >= SECURITY.items()
    status, headers, _ = await get(WithStaticFiles(unasked), "/static/admin/css/base.css")
    assert (status, headers["content-type"]) == (200, 'text/css; charset="utf-8"')


async def test_tls_and_the_sites_own_names_hold_for_files_too(settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ours = WithStaticFiles(unasked)
    status, headers, _ = await get(ours, SHEET)
    assert (status, headers["location"]) == (301, f"https://localhost{SHEET}")
    status, headers, _ = await get(ours, SHEET, x_forwarded_proto="https")
    assert (status, headers["strict-transport-security"][:10]) == (200, "max-age=60")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/no.css", {}),
        ("/static/../manage.py", {}),
        ("/static/", {}),
        ("/c/", {}),
        (SHEET, {"host": "elsewhere.example"}),
    ],
)
async def test_what_is_refused_or_not_there_is_djangos_to_say(settings, path, headers):
    settings.SECURE_SSL_REDIRECT = "host" in headers
    asked = []

    async def django(scope, receive, send):
        asked.append(scope["path"])
        await send({"type": "http.response.start", "status": 404, "headers": []})

    assert (await get(WithStaticFiles(django), path, **headers))[0] == 404
    assert asked == [path]


async def test_without_whitenoise_no_file_is_ours(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]
    with pytest.raises(AssertionError, match="Django was asked"):
        await get(WithStaticFiles(unasked), SHEET)
