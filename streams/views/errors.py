"""What a request hears that cannot be served: JSON for programs, a page for people."""

from __future__ import annotations

import logging

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from streams.exceptions import NotSignedIn, StreamsError
from streams.postgres import error_diagnosis

from .negotiation import wants_json
from .pages import render

logger = logging.getLogger(__name__)

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


def unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    found = error_diagnosis.of(error)
    error_diagnosis.lately.met(found)
    logger.error("%s %s: %s", request.method, request.path, error_diagnosis.described(error))
    if wants_json(request):
        return as_json(503, "unavailable", found.told)
    return render(request, "503.html", {"told": found.told}, status=503)
