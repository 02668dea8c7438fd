"""`/sign-in/` and `/sign-out/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unicodedata import normalize

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from streams import access
from streams.conf import conf
from streams.exceptions import NotSignedIn, TooLarge
from streams.http.client_address import network
from streams.models import Attempts, Device
from streams.views.endpoint import Endpoint
from streams.views.negotiation import wants_json
from streams.views.parsing import fields, is_form

LONGEST_PASSWORD = 4096  # characters
TOO_LONG = {
    "username": gettext_noop("That is too long for a username."),
    "password": gettext_noop("That is too long for a password."),
}


class SignIn(Endpoint, LoginView):
    in_person = ("POST",)
    template_name = "chatstream/sign_in.html"
    redirect_authenticated_user = True
    http_method_names = ["get", "post", "head", "options"]  # Django's takes PUT for a POST

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        by_form = is_form(request) and not wants_json(request)
        given = request.POST if by_form else fields(request, username=str, password=str)
        check_lengths(given)
        tried = count_attempt(request, given.get("username", ""))
        response = super().post(request, *args, **kwargs) if by_form else signed_in(request, given)
        if request.user.is_authenticated:
            Attempts.forget(tried)
        return response

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return super().get_context_data(
            **more, thrown_out=thrown_out(self.request), sign_up=settings.SIGN_UP, sso=settings.SSO
        )


def check_lengths(given: Mapping[str, Any]) -> None:
    """Before anything is done with either: to normalise a name of combining marks takes the
    square of its length. Raises TooLarge."""
    user_model = get_user_model()
    names: Any = user_model._meta.get_field(user_model.USERNAME_FIELD)
    longest = {"username": names.max_length or 254, "password": LONGEST_PASSWORD}
    for name, most in longest.items():
        if len(given.get(name, "")) > most:
            raise TooLarge(gettext(TOO_LONG[name]), field=name)


def thrown_out(request: HttpRequest) -> bool:
    """Tells whether this browser was signed out from elsewhere, so that the page can say so."""
    key = access.device_key(request.COOKIES)
    return key is not None and Device.objects.filter(key=key, revoked_at__isnull=False).exists()


def signed_in(request: HttpRequest, given: Mapping[str, Any]) -> HttpResponse:
    user = authenticate(request, **given) if len(given) == 2 else None
    if user is None:
        raise NotSignedIn(gettext("That name and password don't belong together."))
    login(request, user)
    return JsonResponse({"username": user.get_username()})


def count_attempt(request: HttpRequest, name: str) -> str:
    """Counts one more try from this address, and for this name from there. Raises TooManyAttempts.

    Never for the name alone: anyone could lock anyone out.
    """
    streams, address = conf(), network(request.META.get("REMOTE_ADDR", ""))
    Attempts.allow(f"sign-in {address}", streams.sign_ins_per_address, streams.sign_in_window)
    tried = f"sign-in {address} {same(name)}"
    Attempts.allow(tried, streams.sign_ins, streams.sign_in_window)
    return tried


def same(name: str) -> str:
    """Normalises a name as Django's form does, so that one name has one count of tries."""
    return normalize("NFKC", name).strip().casefold()


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's own sign-in would be a second door with no count of attempts."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


class SignOut(Endpoint, LogoutView):  # type: ignore[misc]
    in_person = ("POST",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        return HttpResponse(status=204) if wants_json(request) else response
