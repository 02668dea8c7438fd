"""Who may go on reading: a stream ends when its device, its user or its conversation goes.

A notification says so at once, on every process; a slow look at everyone is behind it.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth import get_user_model
from psycopg import AsyncConnection

from . import sse
from .stream import Response

STILL_WELCOME = """
SELECT d.id, u.password FROM streams_device d JOIN {users} u ON u.id = d.user_id
 WHERE d.id = ANY(%s) AND d.revoked_at IS NULL AND u.is_active
"""
STILL_THERE = "SELECT id FROM streams_conversation WHERE id = ANY(%s) AND deleted_at IS NULL"


class Watch:
    """Ends streams with `gone`; the client then asks why, and is told 401 or 404."""

    def __init__(self) -> None:
        self._passwords: dict[int, int] = {}
        self._just_gone: set[int] = set()

    def admits(self, device_id: int, password: str) -> bool:
        """Remembers with which password a device was let in (a hash of its hash).

        False for one that was thrown out after the database was asked about it.
        """
        self._passwords[device_id] = hash(password)
        return device_id not in self._just_gone

    def heard(self, payload: str, streams: Iterable[Response]) -> None:
        what, *ids = payload.split()
        gone = {int(each) for each in ids}
        if what == "devices":
            self._just_gone |= gone
        for stream in streams:
            if (stream.device_id if what == "devices" else stream.conversation_id) in gone:
                stream.finish(sse.GONE)

    async def recheck(self, connection: AsyncConnection, streams: list[Response]) -> None:
        self._just_gone.clear()
        devices = {stream.device_id for stream in streams}
        self._passwords = {pk: self._passwords[pk] for pk in devices & set(self._passwords)}
        if not streams:
            return
        query = STILL_WELCOME.format(users=get_user_model()._meta.db_table)
        cursor = await connection.execute(query, [list(devices)])
        welcome = {pk for pk, password in await cursor.fetchall() if self._knows(pk, password)}
        conversations = {stream.conversation_id for stream in streams}
        cursor = await connection.execute(STILL_THERE, [list(conversations - {None})])
        there = {None, *(row[0] for row in await cursor.fetchall())}
        for stream in streams:
            if stream.device_id not in welcome or stream.conversation_id not in there:
                stream.finish(sse.GONE)

    def _knows(self, device_id: int, password: str) -> bool:
        return self._passwords.get(device_id) == hash(password)
