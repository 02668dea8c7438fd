"""Ends streams whose device, user or conversation is no longer allowed to read.

A notification does so at once in every process; a slow check of all streams stands behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from psycopg import AsyncConnection

from .. import user_model
from ..models import Device
from . import sse
from .subscription import Subscription

STILL_WELCOME = """
SELECT d.id, people.password, d.sign_outs FROM streams_device d
  JOIN {people} ON people.key = d.user_id
 WHERE d.id = ANY(%s) AND d.revoked_at IS NULL AND d.signed_out_at IS NULL
   AND (d.expires_at IS NULL OR d.expires_at > now())
"""
STILL_THERE = "SELECT id FROM streams_conversation WHERE id = ANY(%s) AND deleted_at IS NULL"


class Admission(NamedTuple):
    """The state that admitted a stream: a hash of its user's password hash, and the device's count
    of sign-outs. Each stream keeps its own, since a device may sign in again while an old stream is
    open.
    """

    password: int
    sign_outs: int


class Revocations:
    """Ends streams with `gone`; the client then asks again, and gets 401 or 404."""

    def __init__(self) -> None:
        self._admissions: dict[int, Admission] = {}
        self._just_gone: dict[int, float] = {}  # by device, the sign-outs from which it may return

    def admits(self, device: Device, password: str) -> bool:
        """Returns False for a device that was revoked after the database had been asked about
        it.
        """
        self._admissions[device.pk] = Admission(hash(password), device.sign_outs)
        return device.sign_outs >= self._just_gone.get(device.pk, 0)

    def admission(self, device_id: int) -> Admission | None:
        """Returns the latest admission of the device."""
        return self._admissions.get(device_id)

    def heard(self, payload: str, streams: Iterable[Subscription]) -> None:
        what, *words = payload.split()
        if what == "devices":
            gone = dict(returns(word) for word in words)
            self._just_gone |= gone
            ending = [each for each in streams if sign_outs(each) < gone.get(each.device_id, 0)]
        else:
            ids = {int(word) for word in words}
            ending = [each for each in streams if each.conversation_id in ids]
        for stream in ending:
            stream.finish(sse.GONE)

    async def recheck(self, connection: AsyncConnection, streams: list[Subscription]) -> None:
        """Ends the streams whose device, person or conversation may not be read any more."""
        self._just_gone.clear()
        devices = {stream.device_id for stream in streams}
        self._admissions = {pk: self._admissions[pk] for pk in devices & set(self._admissions)}
        if not streams:
            return
        query = STILL_WELCOME.format(people=user_model.active_people())
        cursor = await connection.execute(query, [list(devices)])
        welcome = {pk: Admission(hash(p), outs) for pk, p, outs in await cursor.fetchall()}
        conversations = {stream.conversation_id for stream in streams}
        cursor = await connection.execute(STILL_THERE, [list(conversations - {None})])
        there = {None, *(row[0] for row in await cursor.fetchall())}
        for stream in streams:
            known = welcome.get(stream.device_id)
            if known is None or stream.admission != known or stream.conversation_id not in there:
                stream.finish(sse.GONE)


def returns(word: str) -> tuple[int, float]:
    """Parses a device id and the count of sign-outs from which it may return; infinite if
    revoked.
    """
    device, _, outs = word.partition(":")
    return int(device), float(outs or math.inf)


def sign_outs(stream: Subscription) -> int:
    return stream.admission.sign_outs if stream.admission else 0
