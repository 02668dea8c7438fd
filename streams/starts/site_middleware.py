"""Passes a request through those MIDDLEWARE that look at its address and headers alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from streams.conf import conf

# What these do for a prompt is done here, or is nothing.
DONE_HERE = {
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "streams.middleware.DeviceMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
}

# These are asked: some refuse or redirect, and most add headers to the answer.
BY_HEADERS = {
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "corsheaders.middleware.CorsMiddleware",
}

Pass = Callable[[HttpRequest, HttpResponse], HttpResponse]


def is_known() -> bool:
    """Tells whether prompts may be stored without the site's other middleware, which may have a
    tenant, an audit or a limit of its own."""
    known = DONE_HERE | BY_HEADERS | {*conf().header_middleware}
    return known.issuperset(settings.MIDDLEWARE)


def passage() -> Pass:
    """Returns what a request and its answer pass through."""
    asked = [name for name in settings.MIDDLEWARE if name not in DONE_HERE]
    return through(asked)


def through(names: Sequence[str]) -> Pass:
    """Returns what passes a request and a prepared response through middleware of these names."""
    handler: Callable[[HttpRequest], HttpResponse] = prepared
    for name in reversed(names):
        try:
            handler = import_string(name)(handler)
        except MiddlewareNotUsed:
            continue

    def passed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        request.prepared = response  # type: ignore[attr-defined]
        return handler(request)

    return passed


def prepared(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = request.prepared  # type: ignore[attr-defined]
    return response
