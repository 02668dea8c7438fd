"""The pages as an app of their own: a browser asks for this without cookies."""

from __future__ import annotations

import struct

import pytest
from django.contrib.staticfiles import finders
from django.test import Client


@pytest.mark.urls("chatstream.urls")
def test_anybody_is_told_where_it_begins_and_what_it_looks_like(settings):
    settings.STREAMS = settings.STREAMS | {"brand": "Ask us"}
    with_sign_in = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, with_sign_in]
    answer = Client().get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    told = answer.json()
    assert (told["name"], told["start_url"], told["scope"]) == ("Ask us", "/c/", "/")
    for icon in told["icons"][1:]:
        with open(finders.find(icon["src"].removeprefix("/static/")), "rb") as file:
            size = struct.unpack(">II", file.read(24)[16:])
        assert "x".join(map(str, size)) == icon["sizes"]
