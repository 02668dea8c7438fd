"""A base for resources in HTML and JSON, for the person signed in."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from streams.models import Device
from streams.policy import check_may_use

from .endpoint import Endpoint, method_meant
from .errors import SIGN_IN_FIRST


class Request(HttpRequest):
    """A request that `Resource` has let through."""

    user: User
    device: Device


class Resource(Endpoint):
    def admit(self, request: HttpRequest) -> None:
        """Raises NotSignedIn and NotAllowed, before anything is said of a missing token."""
        if not request.user.is_authenticated:
            raise SIGN_IN_FIRST
        check_may_use(request.user)

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        name = method_meant(request).lower()
        known = name in self.http_method_names
        method = getattr(self, name, None) if known else None
        response = (method or self.http_method_not_allowed)(request, *args, **kwargs)
        return cast(HttpResponseBase, response)


def see_other(url: str) -> HttpResponse:
    """Redirects a form's sender to a fresh page, which a reload does not send again."""
    return HttpResponseRedirect(url, status=303)
