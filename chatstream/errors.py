"""The project's own error pages: what Django refuses before a view of the app is asked, or
where the project has views of its own; JSON for programs, a page for people."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext

from streams.exceptions import Unavailable
from streams.http.csrf import HEADER, NO_ORIGIN, NO_TOKEN
from streams.views.errors import (
    CODES,
    LARGE,
    SENTENCES,
    SIGN_IN_FIRST,
    answer,
    as_json,
    as_page,
    refusal,
)
from streams.views.negotiation import wants_json


def restated(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Django's own refusals, which know only HTML or nothing, in our words."""
    status = response.status_code
    message = gettext(SENTENCES.get(status, HTTPStatus(status).phrase))
    if wants_json(request):
        ours: HttpResponse = as_json(status, CODES.get(status, "error"), message)
    elif not response.content:
        ours = as_page(request, status, message)
    elif settings.DEBUG and status == 404 and request.resolver_match is None:
        ours = not_found(request)  # a mistyped address, to which Django lists all there are
    else:
        return response
    for kept in ("Allow", "Vary"):
        if value := response.get(kept):
            ours[kept] = value
    # A session whose key has just been replaced would be lost with its cookie.
    ours.cookies = response.cookies
    patch_vary_headers(ours, ["Accept"])
    return ours


def not_found(request: HttpRequest) -> HttpResponse:
    return render(request, "404.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler400`: Django finds a form too large before any view of ours reads it."""
    status = 413 if isinstance(exception, LARGE) else 400
    if wants_json(request):
        return as_json(status, CODES[status], gettext(SENTENCES[status]))
    return as_page(request, status, gettext(SENTENCES[status]))


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: a database that cannot do it now is a 503, which says to come back."""
    error = sys.exception()
    told = refusal(request, error) if isinstance(error, Exception) else None
    if isinstance(told, Unavailable):
        return answer(request, told)
    if wants_json(request):
        return as_json(500, "internal", gettext(SENTENCES[500]))
    return render(request, "500.html", status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A program that is not signed in hears that first: its missing token is no news."""
    if wants_json(request):
        if not request.user.is_authenticated and not request.path.startswith(ways_in()):
            return answer(request, SIGN_IN_FIRST)
        named = reason.startswith(("Origin", "Referer"))
        refused = as_json(403, "csrf", NO_ORIGIN if named else NO_TOKEN)
        refused[HEADER] = get_token(request)
        return refused
    return render(request, "403_csrf.html", status=403)


def ways_in() -> tuple[str, ...]:
    return reverse("login"), reverse("streams:pair")
