"""Presence: which devices have a conversation open, and which of them type.

Never in a table and never in the log. A visible device says so every few seconds; that
travels as a notification to every hub, and a device that has not been heard for a while is
gone, also when the process it spoke to is no more. A hub that has just begun to listen asks
for a roll call, and each repeats what it was told itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg_pool import AsyncConnectionPool

from ..conf import Settings
from ..postgres import channels
from . import sse

logger = logging.getLogger(__name__)

PRESENCE = "streams.presence"  # where Django's requests find this process's, in their scope
MOST_BYTES = 7500  # of the 8000 a notification may have
NOBODY = sse.unnumbered("presence", devices=[])

# A beat is no fact worth a disk flush, and a commit that notifies would wait for one.
TELL = """
SELECT set_config('synchronous_commit', 'off', true),
       (SELECT count(pg_notify(%s, page)) FROM unnest(%s::text[]) AS page)
"""


@dataclass(frozen=True, slots=True)
class Beat:
    """What one device says of itself. One that leaves stays a little, since another of its
    windows may be open, or the page may only be reloading."""

    conversation_id: int
    device: str
    name: str
    kind: str
    typing: bool = False
    leaving: bool = False

    @classmethod
    def from_wire(cls, fields: dict[str, Any]) -> Beat | None:
        """Read by name what another process sent, which may run a release with other fields."""
        try:
            return cls(**{name: fields[name] for name in cls.__slots__ if name in fields})
        except TypeError:
            return None

    def to_wire(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}

    def as_dict(self) -> dict[str, object]:
        return {"id": self.device, "name": self.name, "kind": self.kind, "typing": self.typing}


@dataclass(slots=True)
class Entry:
    beat: Beat
    until: float
    own: bool


class Presence:
    """The devices heard of lately, by conversation; `changed` is called with one of these."""

    def __init__(
        self, conf: Settings, pool: AsyncConnectionPool, changed: Callable[[int], None]
    ) -> None:
        self.conf = conf
        self._pool = pool
        self._changed = changed
        self._here: dict[int, dict[str, Entry]] = {}
        self._count = 0
        self._frames: dict[int, bytes] = {}
        self._untold: dict[tuple[int, str], Beat] = {}
        self._asking = False
        self._news = asyncio.Event()

    def say(self, beat: Beat) -> None:
        """A device has spoken to this process."""
        self._keep(beat, own=True)
        self._untold[beat.conversation_id, beat.device] = beat
        self._news.set()

    def heard(self, payload: str) -> None:
        if payload == channels.ROLL_CALL:
            self._answer()
            return
        for each in orjson.loads(payload):
            if beat := Beat.from_wire(each):
                self._keep(beat, own=False)

    def ask(self) -> None:
        """Asks all processes to repeat who is present, after a time in which nothing was heard
        here.
        """
        self._asking = True
        self._news.set()

    def frame(self, conversation_id: int) -> bytes:
        if conversation_id not in self._here:
            return NOBODY
        if conversation_id not in self._frames:
            entries = sorted(self._here[conversation_id].values(), key=lambda e: e.beat.device)
            devices = [entry.beat.as_dict() for entry in entries]
            self._frames[conversation_id] = sse.unnumbered("presence", devices=devices)
        return self._frames[conversation_id]

    def open_on(self, devices: Collection[str]) -> dict[str, int]:
        """The conversation that each of these has open, as far as this process has heard; the
        one last spoken of. Asked from other threads, so it looks at copies."""
        entries = [entry for here in list(self._here.values()) for entry in list(here.values())]
        mine = [each for each in entries if each.beat.device in devices and not each.beat.leaving]
        mine.sort(key=lambda entry: entry.until)
        return {entry.beat.device: entry.beat.conversation_id for entry in mine}

    def expire(self) -> None:
        now = time.monotonic()
        for conversation_id, entries in list(self._here.items()):
            gone = [device for device, entry in entries.items() if entry.until <= now]
            for device in gone:
                del entries[device]
            if gone:
                self._count -= len(gone)
                self._tell_readers(conversation_id)
            if not entries:
                del self._here[conversation_id]

    async def run(self) -> None:
        """Tell the other processes, many at once; what is lost is said again by the next beat."""
        while True:
            await self._news.wait()
            self._news.clear()
            pages = [channels.ROLL_CALL] if self._asking else []
            beats, self._untold, self._asking = self._untold, {}, False
            pages += pages_of(beats.values())
            try:
                async with self._pool.connection() as connection:
                    await connection.execute(TELL, [channels.PRESENCE, pages])
            except psycopg.Error as error:
                logger.warning("presence: not told: %s", error)
            await asyncio.sleep(self.conf.presence_floor)

    def _answer(self) -> None:
        now = time.monotonic()
        for entries in self._here.values():
            for entry in entries.values():
                if entry.own and entry.until > now:
                    self._untold[entry.beat.conversation_id, entry.beat.device] = entry.beat
        self._news.set()

    def _keep(self, beat: Beat, own: bool) -> None:
        entries = self._here.setdefault(beat.conversation_id, {})
        known = entries.get(beat.device)
        if known is None:
            if self._count >= self.conf.presence_most or beat.leaving:
                return
            self._count += 1
        stays = 0.4 if beat.leaving else 1.0
        until = time.monotonic() + stays * self.conf.presence
        own = own or (known is not None and known.own and known.beat == beat)
        entries[beat.device] = Entry(beat, until, own)
        if known is None or known.beat.as_dict() != beat.as_dict():
            self._tell_readers(beat.conversation_id)

    def _tell_readers(self, conversation_id: int) -> None:
        self._frames.pop(conversation_id, None)
        self._changed(conversation_id)


def pages_of(beats: Iterable[Beat]) -> list[str]:
    """Payloads that fit a notification."""
    pages: list[list[str]] = [[]]
    size = 0
    for beat in beats:
        text = orjson.dumps(beat.to_wire()).decode()
        size += len(text.encode()) + 1
        if size > MOST_BYTES:
            pages.append([])
            size = len(text.encode()) + 1
        pages[-1].append(text)
    return [f"[{','.join(page)}]" for page in pages if page]


class PresenceChannel:
    """The part of one stream that sends presence: a frame for every change."""

    def __init__(self, presence: Presence, conversation_id: int) -> None:
        self._presence = presence
        self._conversation_id = conversation_id
        self._said = NOBODY

    def news(self) -> bytes:
        frame = self._presence.frame(self._conversation_id)
        if frame == self._said:
            return b""
        self._said = frame
        return frame

    def leave(self) -> None:
        """Does nothing, since nothing is held for one stream."""
