"""Middleware of the project's pages; requests for streams do not pass it (see `streams.asgi`)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware

from streams.conf import conf
from streams.exceptions import BadRequest
from streams.views import health
from streams.views.errors import answer

from . import errors

GetResponse = Callable[[HttpRequest], HttpResponse]

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:{hosts}",
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
    """Adds a policy by which a page loads and runs only our own files: nothing inline, and nothing
    from elsewhere but images of hosts that the settings name.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        hosts = "".join(f" https://{host}" for host in conf().image_hosts)
        self.policy = POLICY.format(hosts=hosts)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Django's own page for an uncaught error styles itself inline.
        if not (settings.DEBUG and response.status_code == 500):
            response.headers.setdefault("Content-Security-Policy", self.policy)
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
    """Answers what Django itself refuses as the app does: JSON to a program, a page to a person."""

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
        if isinstance(exception, Http404):
            return errors.not_found(request)
        return None


class SlashMiddleware(CommonMiddleware):
    """Adds a forgotten slash to what is read alone. A redirect loses what is sent, and a client
    that asks again with GET would take the page for success."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)
