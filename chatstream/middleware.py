"""What every request of Django's own goes through; streams do not (see `streams.asgi`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib import auth
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.utils import timezone

from streams import access
from streams.exceptions import BadRequest, StreamsError
from streams.models import Device
from streams.views import health
from streams.views.errors import answer

from . import errors

GetResponse = Callable[[HttpRequest], HttpResponse]

SEEN_EVERY = timedelta(minutes=1)
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class HealthMiddleware:
    """Before all others: a probe comes by address and without TLS, and whether the process is
    up depends on no cookie it may bring and on no database."""

    probes = {"/healthz": health.healthz, "/readyz": health.readyz}

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = self.probes.get(request.path_info)
        if probe is None:
            return self.get_response(request)
        response = probe(request)
        response["Content-Length"] = str(len(response.content))
        return response


class ContentSecurityPolicyMiddleware:
    """What a page may load and run is ours alone: nothing inline, nothing from elsewhere."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Django's own page for an uncaught error styles itself inline.
        if not (settings.DEBUG and response.status_code == 500):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class NoStoreMiddleware:
    """Nothing that a view has answered is kept by a browser or by anything on the way, errors
    and redirects included: it is about one person, or depends on who asks."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class ErrorMiddleware:
    """Whatever was refused is said in our words: JSON to a program, a page to a person."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A quoted cookie can hold U+0000, which PostgreSQL refuses as a session's key.
        if "\0" in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        if "%00" in request.META.get("QUERY_STRING", ""):  # nor can any text there hold it
            return answer(request, BadRequest("This address cannot be read."))
        response = self.get_response(request)
        refused = response.status_code >= 400 and not response.streaming
        if refused and response.get("Content-Type") != "application/json":
            return errors.restated(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, StreamsError):
            return answer(request, exception)
        if isinstance(exception, Http404):
            return errors.not_found(request)
        return None


class SlashMiddleware(CommonMiddleware):
    """Adds a forgotten slash to what is read alone. A redirect loses what is sent, and a client
    that asks again with GET would take the page for success."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)


class DeviceMiddleware:
    """Gives each signed-in request its device; a session without a live one is signed out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        before = device_of(request)
        request.device = before  # type: ignore[attr-defined]
        response = self.get_response(request)
        # Whichever view has done it: the admin has a sign-out of its own.
        if before and request.user.pk != before.user_id:
            before.sign_out()
        device = begun(request) or request.device  # type: ignore[attr-defined]
        # The present SECRET_KEY's signature: an older one is not known for ever.
        if device and access.known_key(request, []) != device.key:
            remember(response, device)
        return response


def begun(request: HttpRequest) -> Device | None:
    """The device of a session this very request has begun. With the first page would be too
    late: one that is never asked for is on no list, and outlives a sign-out everywhere."""
    if not request.user.is_authenticated or access.DEVICE_SESSION_KEY in request.session:
        return None
    return access.recognise(request, request.user)


def device_of(request: HttpRequest) -> Device | None:
    device = access.recall(request) or looked_up(request)
    # This machine's clock says when to look, and the database's what is written.
    if device and device.last_seen_at < timezone.now() - SEEN_EVERY:
        late = Device.objects.filter(pk=device.pk, last_seen_at__lt=Now() - SEEN_EVERY)
        late.update(last_seen_at=Now())
    return device


def looked_up(request: HttpRequest) -> Device | None:
    """Of a session that has just begun, goes on after its cookie was lost, or is no good."""
    if not request.user.is_authenticated:
        return None
    pk = request.session.get(access.DEVICE_SESSION_KEY)
    if pk is None:
        return access.recognise(request, request.user)
    device = Device.objects.filter(pk=pk).first()
    if device is None or not access.admits(request.session, request.user, device):
        auth.logout(request)
        return None
    return device


def remember(response: HttpResponse, device: Device) -> None:
    response.set_cookie(
        access.DEVICE_COOKIE,
        access.signed_key(device),
        max_age=access.DEVICE_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
