"""The request that a site's own function `authenticate` is given."""

from __future__ import annotations

import pytest

from streams.exceptions import BadRequest
from streams.realtime import authorisation
from streams.realtime.stream_request import Request


def asked(content_type: bytes) -> Request:
    headers = [(b"host", b"testserver"), (b"content-type", content_type)]
    scope = {"type": "http", "method": "GET", "path": "/c/events", "headers": headers}
    return Request.of(scope)


def test_it_is_djangos_own_with_nobody_signed_in():
    made = authorisation.as_django_has_it(asked(b"text/plain; charset=utf-8"))
    assert (made.path, made.user.is_authenticated, dict(made.session)) == ("/c/events", False, {})


def test_headers_that_cannot_be_read_are_the_senders_fault():
    with pytest.raises(BadRequest):
        authorisation.as_django_has_it(asked(b"text/plain; charset=punycode"))


def test_a_fault_of_ours_is_not_taken_for_one_of_the_headers(monkeypatch):
    def broken(scope, body):
        raise AttributeError("a bug")

    monkeypatch.setattr(authorisation, "DjangoRequest", broken)
    with pytest.raises(AttributeError):
        authorisation.as_django_has_it(asked(b"text/plain"))
