"""What a request hears that cannot be served: JSON for programs, a page for people."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db.utils import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from psycopg.errors import ReadOnlySqlTransaction

from streams.exceptions import NotSignedIn, StreamsError
from streams.postgres import error_diagnosis

from .negotiation import wants_json
from .pages import render

logger = logging.getLogger(__name__)

NO_ORIGIN = "Send an Origin or Referer header with this site's own address."
NO_TOKEN = "The CSRF token is missing or wrong. Reload the page and try again."
CODES = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    503: "unavailable",
}
TITLES = {
    400: "That didn't come through",
    403: "That isn't allowed",
    404: "Not here",
    405: "That can't be done here",
    409: "Not just now",
    410: "Not any more",
    413: "That is too long",
    422: "That can't be saved as it is",
    429: "Too much at once",
    503: "Back in a moment",
}
SENTENCES = {
    400: "The request could not be read.",
    403: "You can't do this.",
    404: "There is nothing at this address.",
    405: "This address doesn't take that method.",
    413: "That is too long to send.",
    500: "Something went wrong on our side.",
    503: error_diagnosis.AWAY.told,
}
LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
SIGN_IN_FIRST = NotSignedIn("Sign in first.")


def answer(request: HttpRequest, error: StreamsError) -> HttpResponse:
    return patient(refused(request, error), error)


def patient(response: HttpResponse, error: StreamsError | None) -> HttpResponse:
    """Says when to come back, where the error knows."""
    if error and error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    return response


def refused(request: HttpRequest, error: StreamsError) -> HttpResponse:
    if wants_json(request):
        return as_json(error.status, error.code, error.message, error.field)
    if isinstance(error, NotSignedIn):
        return redirect_to_login(
            request.get_full_path() if request.method == "GET" else reverse("streams:conversations")
        )
    return as_page(request, error.status, error.message)


def as_json(status: int, code: str, message: str, field: str | None = None) -> JsonResponse:
    error = {"code": code, "message": message}
    return JsonResponse({"error": error | ({"field": field} if field else {})}, status=status)


def as_page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    title = TITLES.get(status, "That didn't work")
    return render(
        request, "streams/error.html", {"title": title, "message": message}, status=status
    )


def restated(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Django's own refusals, which know only HTML or nothing, in our words."""
    status = response.status_code
    message = SENTENCES.get(status, HTTPStatus(status).phrase)
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
        return as_json(status, CODES[status], SENTENCES[status])
    return as_page(request, status, SENTENCES[status])


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: a database that cannot do it now is a 503, which says to come back."""
    error = sys.exception()
    read_only = isinstance(getattr(error, "__cause__", None), ReadOnlySqlTransaction)
    if error and (read_only or isinstance(error, OperationalError)):
        return unavailable(request, error)
    if wants_json(request):
        return as_json(500, "internal", SENTENCES[500])
    return render(request, "500.html", status=500)


def unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    found = error_diagnosis.of(error)
    error_diagnosis.lately.met(found)
    logger.error("%s %s: %s", request.method, request.path, error_diagnosis.described(error))
    if wants_json(request):
        return as_json(503, "unavailable", found.told)
    return render(request, "503.html", {"told": found.told}, status=503)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A program that is not signed in hears that first: its missing token is no news."""
    if wants_json(request):
        if not request.user.is_authenticated and not request.path.startswith(ways_in()):
            return answer(request, SIGN_IN_FIRST)
        named = reason.startswith(("Origin", "Referer"))
        get_token(request)  # the answer brings the cookie, where that was what was missing
        return as_json(403, "csrf", NO_ORIGIN if named else NO_TOKEN)
    return render(request, "403_csrf.html", status=403)


def ways_in() -> tuple[str, ...]:
    return reverse("streams:sign-in"), reverse("streams:pair")
