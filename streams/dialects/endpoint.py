"""The base of the addresses at which clients of another protocol are answered in its own words.

They ask as everybody does, by a session or an access token. What is sent is decided by the address,
the query and the body, never by `Accept`, which these clients fill in as they like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from streams.conf import conf
from streams.exceptions import MethodNotAllowed, StreamsError, TooLarge, Unavailable
from streams.http.stream_handover import HANDOVER
from streams.log import OneRun
from streams.models import Run
from streams.realtime.translated_run import Encoder, Following
from streams.views.errors import patient
from streams.views.parsing import json_of
from streams.views.resource import Request, Resource

from .json_bounds import keepable

# As a file is in JSON. It begins where such bytes begin, or a run of them that is shorter would be
# read again from each of its bytes on.
LONG = re.compile(rb"(?<![A-Za-z0-9+/=\\])[A-Za-z0-9+/=\\]{1024,}")
TOO_LONG = "That is too long to send."
NO_STREAMS = "This server has no event streams: it has to be an ASGI server, with WithStreams."


class DialectView(Resource):
    """An address of another protocol, which says in `refusal` what its errors look like."""

    hands_over: ClassVar = True  # see `streams.early_routing`
    takes_files = ""  # see `streams.http.uploads`
    stream_headers: ClassVar[Sequence[tuple[bytes, bytes]]] = ()
    document_headers: ClassVar[Sequence[tuple[bytes, bytes]]] = ()

    @staticmethod
    def refusal(error: StreamsError) -> dict[str, Any]:
        """Returns an error's JSON body."""
        raise NotImplementedError

    def refused(self, request: HttpRequest, error: StreamsError) -> HttpResponse:
        response = JsonResponse(self.refusal(error), status=error.status)
        if isinstance(error, MethodNotAllowed):
            response["Allow"] = error.allowed
        return patient(response, error)

    def follow(
        self, request: Request, run: Run, encoder: Encoder, *, streams: bool = True
    ) -> HttpResponse:
        """Has the run's events sent through the encoder, from its first one on: as a stream, or as
        one JSON document once the run has ended.

        `run` comes with its conversation and answer. Raises Unavailable behind a server without
        streams.
        """
        handover = getattr(request, "scope", {}).get(HANDOVER)
        if handover is None:
            raise Unavailable(NO_STREAMS)
        handover.following = Following(
            user=request.user,
            device=request.device,
            conversation_id=run.conversation_id,
            run=OneRun(run.pk, str(run.uuid)),
            cursor=run.answer.seq - 1,
            head=run.conversation.last_seq,
            encoder=encoder,
            refusal=self.refusal,
            headers=self.stream_headers if streams else self.document_headers,
            streams=streams,
        )
        return HttpResponse()


def body_of(request: HttpRequest) -> Mapping[str, Any]:
    """Returns the JSON object that was sent, whatever its content type says; empty without a body.

    Raises BadRequest, and Invalid for JSON that is no object.
    """
    return keepable(json_of(request.body)) if request.body else {}


def body_with_files(request: HttpRequest) -> Mapping[str, Any]:
    """Returns the same where files may stand inside of the JSON: all around them has the bound of
    any other body, since it becomes objects many times its length.

    Raises TooLarge before anything is parsed.
    """
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    announced = request.META.get("CONTENT_LENGTH") or ""
    if most is None or (announced.isdecimal() and int(announced) <= most):
        return body_of(request)
    longest = most + conf().base64_bytes
    body = request.read(longest + 1)
    if len(body) > longest or (len(body) > most and len(body) - bytes_of_files(body) > most):
        raise TooLarge(TOO_LONG)
    return keepable(json_of(body)) if body else {}


def bytes_of_files(body: bytes) -> int:
    return sum(len(found[0]) for found in LONG.finditer(body))
