"""Applies Django's CSRF check to the app's own views, with the app's own words for a refusal.

It follows the site's settings: the token in a cookie of any name, or in the session. The app's
pages send it in the header X-CSRFToken, whatever CSRF_HEADER_NAME asks of the site's own.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware, get_token

from ..exceptions import Forbidden

HEADER = "X-CSRFToken"
META = "HTTP_X_CSRFTOKEN"
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
NO_ORIGIN = "Send an Origin or Referer header with this site's own address."
NO_TOKEN = "The CSRF token is missing or wrong. Reload the page and try again."


class Check(CsrfViewMiddleware):
    """Returns the reason for a refusal instead of the site's page for it."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason

    def check_origin(self, request: HttpRequest) -> None:
        """Raises Forbidden for an unsafe request from a page of a foreign origin, which every
        browser names."""
        if "HTTP_ORIGIN" not in request.META or request.method in SAFE:
            return
        if not self._origin_verified(request):  # type: ignore[attr-defined]
            raise Forbidden(NO_ORIGIN)


def never(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError


def check(request: HttpRequest, by_cookies: bool = True) -> None:
    """Raises Forbidden, with a token for the next try since scripts may be unable to read where it
    is kept. The site's own check, if it has one, exempts the app's views.

    A request that was not authenticated by cookies needs no token. It is refused only if its
    Origin is foreign: a proxy may authenticate browsers by a cookie of its own.
    """
    if META in request.META:
        request.META.setdefault(settings.CSRF_HEADER_NAME, request.META[META])
    middleware = Check(never)
    middleware.process_request(request)
    if not by_cookies:
        middleware.check_origin(request)
        return
    if reason := middleware.process_view(request, never, (), {}):
        named = str(reason).startswith(("Origin", "Referer"))
        refusal = Forbidden(NO_ORIGIN if named else NO_TOKEN)
        refusal.token = get_token(request)
        raise refusal


def kept(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """Adds the cookie of the token the response holds, as Django's middleware does."""
    return Check(never).process_response(request, response)
