"""Asks the web processes which devices look at which conversation, when somebody is to be told."""

from __future__ import annotations

import asyncio
import logging

import orjson
import psycopg

from ...postgres import channels
from ...postgres.connections import connect, is_behind_pooler

logger = logging.getLogger(__name__)

Looking = set[tuple[int, str]]  # (conversation, device's UUID)

WITHIN = 1.0  # seconds in which each process answers


class RollCall:
    """Many who ask at the same time share a call, and a connection."""

    def __init__(self) -> None:
        self._current: asyncio.Task[Looking | None] | None = None
        self._next: asyncio.Task[Looking | None] | None = None

    async def answer(self) -> Looking | None:
        """Returns who looks at what, as told from now on; nothing where it cannot be known."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._current))
        return await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[Looking | None] | None) -> Looking | None:
        if before is not None:
            await asyncio.wait({before})
        self._current, self._next = self._next, None
        return await call()


async def call() -> Looking | None:
    if is_behind_pooler():
        return None
    looking: Looking = set()
    try:
        async with await connect("roll-call") as connection:
            await connection.execute(f"LISTEN {channels.PRESENCE}")
            await connection.execute(
                "SELECT pg_notify(%s, %s)", [channels.PRESENCE, channels.ROLL_CALL]
            )
            async with asyncio.timeout(2 * WITHIN):
                async for heard in connection.notifies(timeout=WITHIN):
                    looking |= told_by(heard.payload)
    except TimeoutError:  # many speak
        return looking
    except psycopg.Error as error:
        logger.warning("nobody answers who is looking: %s", error)
        return None
    return looking


def told_by(payload: str) -> Looking:
    """Reads by name what a process of any release has sent."""
    if payload == channels.ROLL_CALL:
        return set()
    return {
        (beat["conversation_id"], beat["device"])
        for beat in orjson.loads(payload)
        if "conversation_id" in beat and "device" in beat and not beat.get("leaving")
    }
