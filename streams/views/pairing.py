"""`/c/<uuid>/pair`, `/pair/<uuid>/`: a device invites another and learns who came."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from streams.exceptions import NotFound
from streams.models import Pairing
from streams.models.pairing import HALF, Opened
from streams.postgres import clock

from . import serializers
from .conversation import own as own_conversation
from .negotiation import wants_json
from .pages import render
from .parsing import fields
from .resource import Request, Resource, see_other

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
NEARBY = gettext_noop(
    "This address works on this computer alone. To use a phone, open this page"
    " under the computer's own name or address first."
)
AT_HOME = gettext_noop(
    "This address works on this computer alone. Start with --host 0.0.0.0 and open this page"
    " under the computer's own name or address, then a phone can follow."
)


class Pair(Resource):
    in_person = ("POST",)

    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        """Redirects a reload or a sign-in: only a POST makes a code."""
        return see_other(serializers.place(own_conversation(request, uuid)))

    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        conversation = own_conversation(request, uuid)
        fields(request)
        opened = Pairing.open(request.device, conversation)
        shown = shape(opened.pairing) | secrets_of(request, opened)
        context = {"pairing": shown, "conversation": conversation}
        response = (
            JsonResponse(shown, status=201)
            if wants_json(request)
            else render(request, "streams/pairing.html", context)
        )
        response["Cache-Control"] = "no-store"  # the secrets are in it
        return response


class PairingView(Resource):
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        pairing = Pairing.known().filter(uuid=uuid, opener__user=request.user).first()
        if pairing is None:
            raise NotFound(gettext("This code isn't here, or isn't yours."))
        if wants_json(request):
            return JsonResponse(shape(pairing))
        context = {"pairing": shape(pairing), "conversation": pairing.conversation}
        return render(request, "streams/pairing.html", context)


def shape(pairing: Pairing) -> dict[str, Any]:
    return {
        "id": str(pairing.uuid),
        "url": reverse("streams:pairing", args=[pairing.uuid]),
        "state": pairing.state,
        "expires_at": pairing.expires_at,
        "expires_in": max(0, round((pairing.expires_at - clock.now()).total_seconds())),
        "device": pairing.joined and pairing.joined.mark | {"kind": pairing.joined.kind},
    }


def secrets_of(request: HttpRequest, opened: Opened) -> dict[str, str]:
    link = request.build_absolute_uri(reverse("streams:join", args=[opened.token]))
    return {
        "link": link,
        "code": f"{opened.code[:HALF]}-{opened.code[HALF:]}",
        "at": request.get_host() + reverse("streams:pair").rstrip("/"),
        "qr": segno.make(link, error="m", micro=False).svg_inline(
            border=0, omitsize=True, svgclass="qr", lineclass=None
        ),
        "hint": hint(request),
    }


def hint(request: HttpRequest) -> str:
    """Returns what may keep a phone from reaching this server; `manage.py dev` listens on this
    computer alone unless told otherwise.
    """
    if split_domain_port(request.get_host())[0] not in LOOPBACK:
        return ""
    return gettext(AT_HOME if settings.DEBUG else NEARBY)
