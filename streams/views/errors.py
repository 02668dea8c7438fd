"""Error responses: JSON for programs, a page for people."""

from __future__ import annotations

import logging

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db.utils import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from psycopg.errors import ReadOnlySqlTransaction

from streams.exceptions import BadRequest as Unreadable
from streams.exceptions import (
    Forbidden,
    MethodNotAllowed,
    NotFound,
    NotSignedIn,
    StreamsError,
    TooLarge,
    Unavailable,
)
from streams.http import csrf
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
OTHERWISE = gettext_noop("That didn't work")
TITLES = {
    400: gettext_noop("That didn't come through"),
    403: gettext_noop("That isn't allowed"),
    404: gettext_noop("Not here"),
    405: gettext_noop("That can't be done here"),
    409: gettext_noop("Not just now"),
    410: gettext_noop("Not any more"),
    413: gettext_noop("That is too long"),
    422: gettext_noop("That can't be saved as it is"),
    429: gettext_noop("Too much at once"),
    503: gettext_noop("Back in a moment"),
}
SENTENCES = {
    400: gettext_noop("The request could not be read."),
    403: gettext_noop("You can't do this."),
    404: gettext_noop("There is nothing at this address."),
    405: gettext_noop("This address doesn't take that method."),
    413: gettext_noop("That is too long to send."),
    500: gettext_noop("Something went wrong on our side."),
    503: error_diagnosis.AWAY.told,
}
SIGN_IN_FIRST = NotSignedIn(gettext_noop("Sign in first."))


LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
UNREADABLE = (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError)
# What a person reads instead, where a program is told of tokens.
SAFE = gettext_noop("Until then what you have written is safe.")
OPEN_TOO_LONG = (
    gettext_noop("This page was open for too long"),
    gettext_noop("Go back, reload it, and try again. Nothing was changed."),
)


def refusal(request: HttpRequest, error: Exception) -> StreamsError | None:
    """Returns the error that a client is told; None for a fault, whose details no
    client may see.
    """
    if isinstance(error, StreamsError):
        return error
    if isinstance(error, LARGE):
        return TooLarge(gettext(SENTENCES[413]))
    if isinstance(error, Http404):
        return NotFound(gettext(SENTENCES[404]))
    if isinstance(error, UNREADABLE):
        return Unreadable(gettext(SENTENCES[400]))
    if isinstance(error, OperationalError) or is_read_only(error):
        found = error_diagnosis.of(error)
        error_diagnosis.lately.met(found)
        logger.error("%s %s: %s", request.method, request.path, error_diagnosis.described(error))
        return Unavailable(gettext(found.told))
    return None


def is_read_only(error: BaseException) -> bool:
    return isinstance(error.__cause__, ReadOnlySqlTransaction)


def answer(request: HttpRequest, error: StreamsError) -> HttpResponse:
    response = patient(refused(request, error), error)
    if isinstance(error, MethodNotAllowed):
        response["Allow"] = error.allowed
    if isinstance(error, Forbidden) and error.token:
        response[csrf.HEADER] = error.token
    return response


def patient(response: HttpResponse, error: StreamsError | None) -> HttpResponse:
    """Adds Retry-After if the error has one."""
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
    if isinstance(error, Forbidden):
        return page(request, error.status, *map(gettext, OPEN_TOO_LONG))
    safe = f" {gettext(SAFE)}" if isinstance(error, Unavailable) else ""
    return as_page(request, error.status, error.message + safe)


def as_json(status: int, code: str, message: str, field: str | None = None) -> JsonResponse:
    error = {"code": code, "message": message}
    return JsonResponse({"error": error | ({"field": field} if field else {})}, status=status)


def as_page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    return page(request, status, gettext(TITLES.get(status, OTHERWISE)), message)


def page(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    known = {"title": title, "message": message}
    return render(request, "streams/error.html", known, status=status)
