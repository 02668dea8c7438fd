"""Server-Sent Events as bytes; pure.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import random

import orjson

HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # no-transform: a proxy that compresses would hold frames back.
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
)


def frame(seq: int, type: str, data: str) -> bytes:
    """A numbered event; `data` is JSON on one line, as PostgreSQL prints it."""
    return f"id: {seq}\nevent: {type}\ndata: {data}\n\n".encode()


def data_of(frame: bytes) -> bytes:
    """Returns the data of a numbered event."""
    return frame[frame.index(b"\ndata: ") + 7 : -2]


def unnumbered(type: str, **data: object) -> bytes:
    """A frame that never moves the client's cursor, since it has no id."""
    return b"event: %s\ndata: %s\n\n" % (type.encode(), orjson.dumps(data))


PING = unnumbered("ping")  # timed by `hub.Hub._tick`, sent by `subscription.Subscription._ping`
BYE = unnumbered("bye")
GONE = unnumbered("gone")
RESYNC = unnumbered("resync")


def retry(milliseconds: int) -> bytes:
    """Returns the frame that says how long the browser waits before it reconnects: spread, so that
    a thousand clients of a restarted server do not arrive at once.
    """
    return b"retry: %d\n\n" % int(milliseconds * random.uniform(0.5, 1.5))
