"""`/pair/`, `/pair/<token>/`: the invited device.

Looking changes nothing, so a link preview may look; only a POST from the page that says who is
asking uses the pairing up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from streams import access
from streams.conf import conf
from streams.exceptions import MethodNotAllowed, SignedInAsAnother, StreamsError
from streams.http.client_address import network
from streams.models import Attempts, Pairing
from streams.postgres.database import atomic

from . import serializers
from .endpoint import Endpoint
from .errors import patient
from .negotiation import wants_json
from .pages import render
from .parsing import fields
from .resource import see_other

Step = Callable[[HttpRequest, Pairing], HttpResponse]


class Door(Endpoint):
    """The base of the views of an invited device: refusals are shown on the page where a code can
    be typed.
    """

    in_person = ("POST",)

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().handle(request, *args, **kwargs)
        except StreamsError as error:
            if wants_json(request) or isinstance(error, MethodNotAllowed):
                raise
            return patient(form(request, error), error)


class ByCode(Door):
    def get(self, request: HttpRequest) -> HttpResponse:
        return form(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Shows who is asking, for the code alone; joins with `confirm`."""
        given = fields(request, code=str, confirm=bool)
        count_try(request)
        code = given.get("code", "")
        step = join if given.get("confirm") else partial(asking, code=code)
        return meet(request, Pairing.by_code(code), step)


class ByLink(Door):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return meet(request, Pairing.by_token(token), asking)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        fields(request, confirm=bool)
        return meet(request, Pairing.by_token(token), join)


def count_try(request: HttpRequest) -> None:
    """Raises TooManyAttempts: a code is short, so guessing has to be slow."""
    streams = conf()
    who = [network(request.META.get("REMOTE_ADDR", ""))]
    if request.user.is_authenticated:
        who.append(f"user {request.user.pk}")
    for each in who:
        Attempts.allow(f"pair {each}", streams.pairing_tries_per_address, streams.pairing_window)


def meet(request: HttpRequest, pairing: Pairing, step: Step) -> HttpResponse:
    """Answers visitors who are signed in already without using the pairing up: they have what it
    gives, or are somebody else.
    """
    if not request.user.is_authenticated:
        return step(request, pairing)
    if request.user.pk == pairing.opener.user_id:
        return at_the_place(request, pairing)
    raise SignedInAsAnother(
        gettext("You are signed in here as %(name)s. Sign out first.")
        % {"name": request.user.get_username()}
    )


def asking(request: HttpRequest, pairing: Pairing, code: str = "") -> HttpResponse:
    """Returns who asks the device in, without the conversation that it is for."""
    opener = pairing.opener
    if wants_json(request):
        return JsonResponse(
            {
                "username": opener.user.get_username(),
                "device": {"name": opener.name, "kind": opener.kind},
                "expires_at": pairing.expires_at,
            }
        )
    return render(request, "streams/pairing_join.html", {"opener": opener, "code": code})


@atomic
def join(request: HttpRequest, pairing: Pairing) -> HttpResponse:
    person = pairing.claim()
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
    device = access.recognise(request, person)
    pairing.welcome(device)
    request.device = device  # type: ignore[attr-defined]
    return at_the_place(request, pairing)


def at_the_place(request: HttpRequest, pairing: Pairing) -> HttpResponse:
    place = serializers.place(pairing.conversation)
    if not wants_json(request):
        return see_other(place)
    return JsonResponse(
        {
            "username": pairing.opener.user.get_username(),
            "device": request.device.mark,  # type: ignore[attr-defined]
            "conversation": {"id": str(pairing.conversation.uuid), "url": place},
        }
    )


def form(request: HttpRequest, error: StreamsError | None = None) -> HttpResponse:
    another = isinstance(error, SignedInAsAnother)
    context = {"error": error, "another": another, "code": request.POST.get("code", "")}
    status = error.status if error else 200
    return render(request, "streams/pairing_code.html", context, status=status)
