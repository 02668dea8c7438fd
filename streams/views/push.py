"""`/devices/<uuid>/push`: whether a device is told of answers while nobody looks at them."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views import View

from streams import vapid
from streams.exceptions import Invalid, NotFound
from streams.models import PushSubscription

from .devices import own
from .parsing import fields
from .resource import Request, Resource

FIELDS = ("endpoint", "p256dh", "auth")


class Push(Resource):
    in_person = ("PUT", "DELETE")

    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        device = own(request, uuid)
        known = PushSubscription.objects.filter(device=device)
        return JsonResponse({"key": vapid.public_key(), "subscribed": known.exists()})

    def put(self, request: Request, uuid: UUID) -> HttpResponse:
        device = own(request, uuid)
        given = fields(request, endpoint=str, p256dh=str, auth=str)
        if missing := [name for name in FIELDS if not given.get(name)]:
            raise Invalid(f"{missing[0]} is missing.", field=missing[0])
        if not vapid.public_key():
            raise NotFound("No notifications are set up here.")
        PushSubscription.subscribe(device, **given)
        return HttpResponse(status=204)

    def delete(self, request: Request, uuid: UUID) -> HttpResponse:
        PushSubscription.objects.filter(device=own(request, uuid)).delete()
        return HttpResponse(status=204)


@method_decorator(login_not_required, name="dispatch")
class PushScript(View):
    """The service worker. Its address never changes, and it is of this origin, wherever static
    files are; its words are in the language of the browser."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        said = {"somewhere": UUID(int=0), "words": json.dumps(words())}
        response = render(
            request, "streams/service_worker.js", said, content_type="text/javascript"
        )
        response["Cache-Control"] = "no-cache"
        return response


def words() -> dict[str, str]:
    return {
        "completed": gettext("Your answer is there."),
        "failed": gettext("Your answer could not be finished."),
        "waiting": gettext("It waits for your decision."),
        "unnamed": gettext("A conversation"),
    }
