"""The base of the app's views, which works in any site.

It does what a request needs for the app's addresses alone, whatever MIDDLEWARE holds: the device,
the CSRF check, refusals in the app's words. Pages of the site cost no query and no cookie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from streams.authentication import check_may_act, device_by_site, device_by_token
from streams.exceptions import MethodNotAllowed, NotByToken, StreamsError
from streams.http import csrf
from streams.models import Device

from ..device_cookie import begun, device_of, remember, seen
from . import errors
from .parsing import is_form

R = TypeVar("R", bound=HttpResponseBase)


# By the site's own middleware: `csrf` checks, and `admit` tells a program that it is not signed in.
@method_decorator((csrf_exempt, login_not_required), name="dispatch")
class Endpoint(View):
    in_person: Sequence[str] = ()  # methods that no access token may use
    reads_only = False  # whether a POST changes nothing here

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response: Any = self.answer(request, *args, **kwargs)
        except Exception as error:
            if (refusal := errors.refusal(request, error)) is None:
                raise  # a fault of ours, which is the site's to report
            response = self.refused(request, refusal)
        if device := getattr(request, "device", None):
            remember(request, response, device)
        return csrf.kept(request, uncached(response))

    def refused(self, request: HttpRequest, error: StreamsError) -> HttpResponse:
        return errors.answer(request, error)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if by_token := device_by_token(request):
            request.device = seen(by_token)  # type: ignore[attr-defined]
            self.admit(request)
            self.check_token(request, by_token)
        else:
            self.recognise(request)
        response: Any = self.handle(request, *args, **kwargs)
        if not getattr(response, "is_rendered", True):
            response.render()
        if device := begun(request):
            request.device = device  # type: ignore[attr-defined]
        return response

    def recognise(self, request: HttpRequest) -> None:
        if not hasattr(request, "device"):
            request.device = device_of(request)  # type: ignore[attr-defined]
        by_site = request.device is None and device_by_site(request)  # type: ignore[attr-defined]
        if by_site:
            request.device = seen(by_site)  # type: ignore[attr-defined]
        self.admit(request)
        csrf.check(request, by_cookies=not by_site)

    def check_token(self, request: HttpRequest, device: Device) -> None:
        """Raises ReadOnly or NotByToken. No browser adds a token by itself, so none is needed
        against foreign pages.
        """
        if not self.reads_only:
            check_may_act(device, request.method or "")
        if {request.method, method_meant(request)} & {*self.in_person}:
            raise NotByToken(gettext("No access token may do this: sign in with a browser."))

    def admit(self, request: HttpRequest) -> None:
        """Raises an error if this request may not be answered at all."""

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, **kwargs)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        known = (name for name in self.http_method_names if hasattr(self, name))
        raise MethodNotAllowed(", ".join(name.upper() for name in known))


def method_meant(request: HttpRequest) -> str:
    """Returns the method a form means: forms know GET and POST alone, and name others in a
    field.
    """
    if request.method == "POST" and is_form(request):
        meant = request.POST.get("_method", "").upper()
        if meant in ("PUT", "PATCH", "DELETE"):
            return meant
    return request.method or ""


def uncached(response: R) -> R:
    response.headers.setdefault("Cache-Control", "no-store")
    # Both faces share one address: neither may come out of a cache for the other.
    patch_vary_headers(response, ["Accept", "Cookie"])
    return response
