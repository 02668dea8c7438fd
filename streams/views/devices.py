"""`/devices/`: lists where a person is signed in, and revokes devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.contrib import auth, messages
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from streams import account_links, vapid
from streams.exceptions import Invalid, NotFound, StreamsError
from streams.models import Conversation, Device, DeviceSession
from streams.postgres import clock
from streams.realtime.presence import PRESENCE, Presence

from . import serializers
from .conversation_list import beside, named, opening
from .negotiation import wants_json
from .pages import render
from .parsing import fields
from .relative_time import ago
from .resource import Request, Resource, see_other
from .schemas import devices as schemas
from .schemas.fields import DeviceKind

NOW = timedelta(minutes=2)  # a device's own mark is a minute behind
ICONS = {"phone": "phone", "tablet": "tablet", "api": "key"}
EXPIRIES = (30, 90, 365)  # days


@dataclass(slots=True)
class Row:
    """One device of the list; `place` is the conversation it has open, or was in last."""

    device: Device
    this: bool
    place: Conversation | None
    open: bool

    @property
    def place_name(self) -> str:
        return named(self.place) if self.place else ""

    @property
    def icon(self) -> str:
        return ICONS.get(self.device.kind, "computer")

    @property
    def is_token(self) -> bool:
        return self.device.kind == Device.Kind.API

    @property
    def expires(self) -> str:
        """Says on which day a token expires; "" for one that does not."""
        at = self.device.expires_at
        return date_format(timezone.localtime(at), "DATE_FORMAT") if at else ""

    @property
    def expired(self) -> bool:
        at = self.device.expires_at
        return at is not None and at <= clock.of(self.device)

    @property
    def seen(self) -> str:
        return self.past(self.device.last_seen_at)

    @property
    def since(self) -> str:
        return self.past(self.device.created_at)

    def past(self, moment: datetime) -> str:
        now = clock.of(self.device)
        return gettext("just now") if moment > now - NOW else ago(moment, now)


class Devices(Resource):
    in_person = ("POST",)

    def get(self, request: Request) -> HttpResponse:
        if not wants_json(request):
            return page(request)
        return JsonResponse({"devices": [shape(line) for line in lines(request)]})

    def post(self, request: Request) -> HttpResponse:
        """Makes an access token, which this response alone shows."""
        given = fields(request, name=str, read_only=bool, expires_days=int)
        try:
            device, token = Device.issue_token(
                request.user.pk,
                given.get("name", ""),
                read_only=given.get("read_only", False),
                days=given.get("expires_days") or None,
            )
        except Invalid as error:
            if wants_json(request):
                raise
            return page(request, error)
        if wants_json(request):
            made = next(shape(it) for it in lines(request) if it.device == device)
            return JsonResponse({"device": made, "token": token}, status=201)
        return page(request, token=token)


class DeviceView(Resource):
    in_person = ("PATCH", "POST")

    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        own(request, uuid)
        if not wants_json(request):
            return see_other(reverse("streams:devices"))
        return JsonResponse(next(shape(it) for it in lines(request) if it.device.uuid == uuid))

    def patch(self, request: Request, uuid: UUID) -> HttpResponse:
        device = own(request, uuid)
        try:
            device.rename(fields(request, name=str).get("name", ""))
        except Invalid as error:
            if wants_json(request):
                raise
            return page(request, error)
        return done(request)


class Revoke(Resource):
    in_person = ("POST",)

    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        """Revokes a device; doing so twice is no error."""
        fields(request)
        device = own(request, uuid, revoked=True)
        device.revoke()
        if device == request.device:
            auth.logout(request)
            return done(request, account_links.sign_in())
        messages.success(
            request, gettext("%(name)s is signed out.") % {"name": device.name}, fail_silently=True
        )
        return done(request)


class RevokeOthers(Resource):
    in_person = ("POST",)

    def post(self, request: Request) -> HttpResponse:
        """Revokes all devices but this one."""
        fields(request)
        count = Device.revoke_all_of(request.user.pk, but=request.device)
        if wants_json(request):
            return JsonResponse({"signed_out": count})
        messages.success(
            request, gettext("You are signed out everywhere else."), fail_silently=True
        )
        return done(request)


def own(request: Request, uuid: UUID, revoked: bool = False) -> Device:
    known = Device.objects.filter(user=request.user, uuid=uuid)
    device = known.first() if revoked else known.signed_in().first()
    if device is None:
        raise NotFound(gettext("This device isn't here, or isn't yours."))
    return device


def done(request: Request, place: str = "") -> HttpResponse:
    if wants_json(request):
        return HttpResponse(status=204)
    return see_other(place or reverse("streams:devices"))


def page(request: Request, error: StreamsError | None = None, token: str = "") -> HttpResponse:
    known = lines(request)
    context = {
        "elsewhere": "devices",
        **beside(request),
        "lines": [line for line in known if not line.is_token],
        "tokens": [line for line in known if line.is_token],
        "token": token,
        "expiries": EXPIRIES,
        "push_key": vapid.public_key(),
        "error": error,
    }
    status = error.status if error else 200
    return render(request, "streams/devices.html", context, status=status)


def lines(request: Request) -> list[Row]:
    """Returns this device first, then the others by when they were last seen."""
    devices = list(clock.dated(Device.objects.filter(user=request.user).signed_in()))
    devices.sort(key=lambda device: device != request.device)
    open = open_now(request, devices)
    places = places_of(devices, open)
    lines = [Row(each, each == request.device, places.get(each.pk), False) for each in devices]
    for line in lines:
        line.open = line.place is not None and line.place.pk == open.get(line.device.pk)
    return lines


def open_now(request: Request, devices: list[Device]) -> dict[int, int]:
    """Returns which conversations each device has open, by presence; none without streams."""
    presence: Presence | None = getattr(request, "scope", {}).get(PRESENCE)
    by_name = {str(device.uuid): device.pk for device in devices}
    known = presence.open_on(by_name) if presence else {}
    return {by_name[name]: conversation for name, conversation in known.items()}


def places_of(devices: list[Device], open: dict[int, int]) -> dict[int, Conversation]:
    sessions = DeviceSession.objects.filter(
        device__in=devices, conversation__deleted_at__isnull=True
    )
    last = sessions.order_by("device", "-last_seen_at").distinct("device")
    stands = dict(last.values_list("device", "conversation")) | open
    known = Conversation.objects.filter(deleted_at__isnull=True).annotate(opening=opening())
    there = known.in_bulk(set(stands.values()))
    return {device: there[place] for device, place in stands.items() if place in there}


def shape(line: Row) -> schemas.Device:
    place = line.place
    return {
        "id": str(line.device.uuid),
        "name": line.device.name,
        "kind": cast(DeviceKind, line.device.kind),
        "this": line.this,
        "created_at": line.device.created_at,
        "last_seen_at": line.device.last_seen_at,
        "read_only": line.device.read_only,
        "expires_at": line.device.expires_at,
        "conversation": {
            "id": str(place.uuid),
            "url": serializers.place(place),
            "name": line.place_name,
            "open": line.open,
        }
        if place
        else None,
    }
