"""`/attachments/`: files for prompts to come, and those that have been sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.translation import gettext

from streams.attachments import kinds, storage
from streams.conf import conf
from streams.exceptions import Invalid, NotFound
from streams.markdown.render_budget import give_connections_back
from streams.models import Attachment
from streams.models.attachment import upload, withdraw

from . import serializers
from .negotiation import wants_json
from .parsing import is_form
from .resource import Request, Resource, see_other

AT_ONCE = 65_536
IN_MEMORY = 1_000_000  # bytes of an upload; a longer one is on the disk
AROUND = 65_536  # bytes of a form around its files
KEPT = 3600  # seconds in a browser's own cache

# A file is what it is: it never runs, asks for nothing, and stands in no other site's page.
CONFINED = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


class Attachments(Resource):
    takes_files = "file"  # see `streams.http.uploads`

    def admit(self, request: HttpRequest) -> None:
        super().admit(request)
        check_length(request, files=1)

    def post(self, request: Request) -> HttpResponse:
        """Takes one file: the field `file` of a form, or the body itself with its name in the
        query."""
        with sent_file(request) as (name, content):
            made = upload(request.user, name, content)
        if not wants_json(request):
            return see_other(serializers.attachment_place(made))
        known = serializers.attachment(made)
        return JsonResponse(known, status=201, headers={"Location": known["url"]})


class AttachmentView(Resource):
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        return JsonResponse(serializers.attachment(own(request, uuid)))

    def delete(self, request: Request, uuid: UUID) -> HttpResponse:
        """Takes back a file that has not been sent."""
        withdraw(request.user, uuid)
        return HttpResponse(status=204)


class AttachedFile(Resource):
    def get(self, request: Request, uuid: UUID, name: str) -> HttpResponseBase:
        """The file. `name` is what a browser saves it as, and nothing is looked up by it."""
        found = own(request, uuid)
        etag = f'"{found.sha256}"'
        known = get_conditional_response(request, etag=etag)
        response = known if known is not None else self.whole(request, found)
        response["ETag"] = etag
        response["Cache-Control"] = f"private, max-age={KEPT}"
        response["Content-Security-Policy"] = CONFINED
        response["X-Content-Type-Options"] = "nosniff"
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    head = get

    def whole(self, request: Request, found: Attachment) -> HttpResponseBase:
        is_text = found.type == kinds.TEXT
        headers = {
            "Content-Type": f"{found.type}; charset=utf-8" if is_text else found.type,
            "Content-Length": str(found.size),
            "Content-Disposition": content_disposition_header(not found.is_image, found.name)
            or "inline",
        }
        if request.method == "HEAD":
            return HttpResponse(headers=headers)
        try:
            file = storage.open_file(found.place)
        except OSError as error:
            raise NotFound(gettext("This file is gone.")) from error
        give_connections_back()  # the rest may take minutes
        response = StreamingHttpResponse(pieces(file), headers=headers)
        response._resource_closers.append(file.close)  # type: ignore[attr-defined]
        return response


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Reads a file as fast as it is taken; what waits for the disk is a thread and not the loop."""
    try:
        while piece := await asyncio.to_thread(file.read, AT_ONCE):
            yield piece
    finally:
        await asyncio.to_thread(file.close)


def own(request: Request, uuid: UUID) -> Attachment:
    """Returns a file of the asking person; anyone else's raises NotFound."""
    found = Attachment.objects.owned_by(request.user).filter(uuid=uuid).first()
    if found is None:
        raise NotFound(gettext("This file isn't here, or isn't yours."))
    return found


def check_length(request: HttpRequest, files: int) -> None:
    """Raises TooLarge by what the request says of itself, before any of it is read."""
    if request.method not in ("POST", "PUT"):
        return
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and len(length) < 20 and int(length) > longest(files):
        raise kinds.too_large()


def longest(files: int) -> int:
    return conf().attachment_bytes * files + AROUND


class sent_file:
    """The name and content of the file that a request brings; closes it in the end."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.content: Any = None

    def __enter__(self) -> tuple[str, IO[bytes]]:
        if is_form(self.request):
            file = self.request.FILES.get("file")
            if file is None:
                raise Invalid(gettext("Choose a file first."), field="file")
            self.content = file
            return file.name or "", file
        self.content = spooled(self.request)
        return self.request.GET.get("name", ""), self.content

    def __exit__(self, *_: object) -> None:
        if self.content is not None:
            self.content.close()


def spooled(request: HttpRequest) -> IO[bytes]:
    """Reads a body piece by piece. Raises TooLarge at the first byte too many."""
    content: Any = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    size = 0
    while piece := request.read(AT_ONCE):
        size += len(piece)
        if size > conf().attachment_bytes:
            content.close()
            raise kinds.too_large()
        content.write(piece)
    return content  # type: ignore[no-any-return]
