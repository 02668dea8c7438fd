"""`/c/<uuid>/read`: records how far this device has read."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse

from streams.exceptions import Invalid
from streams.models import DeviceSession

from .conversation import own
from .parsing import fields
from .resource import Request, Resource


class Read(Resource):
    def put(self, request: Request, uuid: UUID) -> HttpResponse:
        """Moves the mark; one beyond the head is set to the head."""
        conversation = own(request, uuid)
        given = fields(request, seq=int)
        if "seq" not in given:
            raise Invalid("seq must be a whole number.", field="seq")
        seq = min(given["seq"], conversation.last_seq)
        DeviceSession.visit(request.device, conversation, seq)
        session = request.device.sessions.get(conversation=conversation)
        return JsonResponse({"seq": session.read_seq})
