"""The cursor of a client: the `Last-Event-ID` header, or `?after=` in the URL; pure."""

from __future__ import annotations

from ..exceptions import BadCursor

LAST_SEQ = 2**63 - 1


def parse(last_event_id: str | None, after: str | None) -> int:
    """Returns the number of the last event that the client has seen; 0 is the beginning.

    The browser's own reconnect keeps the old URL, so the header wins over `?after=`.
    Raises BadCursor for anything but a decimal number.
    """
    given = last_event_id if last_event_id else after
    if given is None:
        return 0
    # isdecimal alone takes other scripts' digits; 19 digits hold every bigint.
    if not (given.isascii() and given.isdecimal() and len(given) <= 19):
        raise BadCursor("The cursor is a number: the id of the last event seen.", field="after")
    number = int(given)
    if number > LAST_SEQ:
        raise BadCursor("The cursor is larger than any event's number.", field="after")
    return number
