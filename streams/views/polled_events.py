"""Event streams and presence, as a server answers them that has no hub: `manage.py runserver`, or
an `asgi.py` without `WithStreams`.

There a request would hold a thread for as long as it is open. So it ends with what there is, and
the browser comes back for more by itself: about once a second.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache, partial
from uuid import UUID

import orjson
from django.http import HttpResponse

from streams import log
from streams.conf import conf
from streams.log.transcript import Row
from streams.postgres import epoch_renewal
from streams.realtime import cursor as cursors
from streams.realtime import endpoints, presence_endpoint, sse
from streams.realtime.feed import Feed
from streams.user_model import key_text

from .conversation import own
from .conversation_list import shelf
from .parsing import fields
from .resource import Request, Resource
from .runs import own as own_run

logger = logging.getLogger(__name__)

POLLED = (
    "Answers come about once a second, and nobody sees who else is here: this server has no event "
    "streams. Serve the site by an ASGI server, such as uvicorn, from an asgi.py that says "
    "`application = WithStreams(get_asgi_application())`, with `from streams.asgi import "
    "WithStreams`."
)


class ConversationEvents(Resource):
    by_hub = staticmethod(partial(endpoints.respond, endpoints.open_conversation))

    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        conversation = own(request, uuid)
        after = cursor(request)
        frames = [sse.RESYNC] if after > conversation.last_seq else []
        after = 0 if frames else after
        rows = log.rows_after(conversation.pk, after)
        head = rows[-1].seq if rows else after
        frames += [*map(frame, rows), sync(head)]
        if request.GET.get("feed") == "1":
            frames.append(feed_of(request))
        return polled(frames)


class RunEvents(Resource):
    by_hub = staticmethod(partial(endpoints.respond, endpoints.open_run))

    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        run = own_run(request, uuid)
        head, after = run.conversation.last_seq, cursor(request)
        one = log.OneRun(run.pk, str(run.uuid))
        rows = log.shown_rows(run.conversation_id, one)
        if any(one.is_ended_by(row.type, row.data) and row.seq <= after <= head for row in rows):
            return HttpResponse(status=204)
        frames = [sse.RESYNC] if after > head else []
        after = 0 if frames else after
        return polled([*frames, *(frame(row) for row in rows if row.seq > after), sync(head)])


class FeedEvents(Resource):
    by_hub = staticmethod(partial(endpoints.respond, endpoints.open_feed))

    def get(self, request: Request) -> HttpResponse:
        return polled([sync(0), feed_of(request)])


class Presence(Resource):
    by_hub = staticmethod(presence_endpoint.respond)

    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        """Nobody is told: only hubs know who is present."""
        own(request, uuid)
        fields(request, typing=bool, here=bool)
        return HttpResponse(status=204)


def cursor(request: Request) -> int:
    return cursors.parse(request.headers.get("Last-Event-ID"), request.GET.get("after"))


def frame(row: Row) -> bytes:
    return sse.frame(row.seq, row.type, orjson.dumps(row.data).decode())


def sync(head: int) -> bytes:
    return sse.unnumbered("sync", head=head, epoch=epoch_renewal.here())


def feed_of(request: Request) -> bytes:
    """The whole list, since nobody remembers what this client has seen of it."""
    feed = Feed(key_text(request.user.pk), conf().page_size)
    feed.take(shelf(request.user)[0])
    return feed.since(0)


def polled(frames: Iterable[bytes]) -> HttpResponse:
    say_so()
    headers = {name.decode(): value.decode() for name, value in sse.HEADERS}
    return HttpResponse(b"".join([sse.retry(conf().retry_ms), *frames]), headers=headers)


@cache
def say_so() -> None:
    """Logs the warning, once a process."""
    logger.warning(POLLED)
