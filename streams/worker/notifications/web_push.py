"""Tells people's devices of answers that nobody looks at, by Web Push (RFC 8030, 8291 and 8292)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import orjson
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ... import vapid
from ...public_ip_addresses import is_number, is_public
from ...user_model import active_people
from .. import title
from .notice import Notice
from .presence_query import RollCall

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger(__name__)

TOLD = ("completed", "failed", "waiting")  # who stopped an answer knows that it ended
GONE = (404, 410)
FOR_LATER = (408, 425, 429)  # like any 5xx and no answer; all others stay as they are
KEPT = 24 * 3600  # seconds for which the push service keeps it for a device that is off


class Subscription(NamedTuple):
    id: int
    endpoint: str
    p256dh: str
    auth: str
    devices: list[str]  # the person's own, as UUIDs

    @property
    def name(self) -> str:
        return f"push:{self.id}"


SUBSCRIPTIONS = """
WITH devices AS (
    SELECT id, uuid FROM streams_device
     WHERE user_id = (SELECT owner_id FROM streams_conversation WHERE id = %(conversation)s)
       AND revoked_at IS NULL AND signed_out_at IS NULL
       AND user_id IN (SELECT key FROM {active_people})
)
SELECT s.id, s.endpoint, s.p256dh, s.auth, (SELECT array_agg(uuid::text) FROM devices)
  FROM streams_pushsubscription s JOIN devices d ON d.id = s.device_id
 ORDER BY s.id
"""
# A title that is a prompt's first words says what was asked.
FIRST_PROMPT = """
SELECT coalesce(blocks->0->>'text', '') FROM streams_message
 WHERE conversation_id = %s AND role = 'user' ORDER BY seq LIMIT 1
"""
FORGET = "DELETE FROM streams_pushsubscription WHERE id = %s AND endpoint = %s"


class WebPush:
    """All devices that are to be told; each is tried again by itself."""

    def __init__(
        self, pool: AsyncConnectionPool, push: Mapping[str, str], session: aiohttp.ClientSession
    ) -> None:
        self._pool = pool
        self._push = push
        self._session = session
        self._roll_call = RollCall()

    async def tell(self, notice: Notice, done: Iterable[str]) -> tuple[set[str], bool]:
        decided = notice.status == "waiting" and notice.now != "waiting"
        if notice.status not in TOLD or notice.deleted or decided:
            return set(), True
        async with self._pool.connection() as connection:
            found = await subscriptions(connection, notice)
            payload = await shown(connection, notice) if found else b""
        found = [each for each in found if each.name not in done]
        if not found or await self._is_seen(notice, found[0].devices):
            return set(), True
        went = await asyncio.gather(*(self._told(each, notice, payload) for each in found))
        names = {each.name for each, told in zip(found, went, strict=True) if told}
        return names, all(went)

    async def _is_seen(self, notice: Notice, devices: Iterable[str]) -> bool:
        looking = await self._roll_call.answer()
        return looking is not None and any(
            (notice.conversation_id, device) in looking for device in devices
        )

    async def _told(self, to: Subscription, notice: Notice, payload: bytes) -> bool:
        """Tells whether this device needs no other try."""
        from aiohttp import ClientError

        try:
            request = encrypted(to, payload)
        except Exception as error:  # a key that is no point of the curve
            logger.warning("%s: cannot be told: %s", to.name, type(error).__name__)
            await self._forget(to)
            return True
        headers = request["headers"] | self._signed(to.endpoint) | how(notice)
        try:
            async with self._session.post(
                to.endpoint, data=request["body"], headers=headers, allow_redirects=False
            ) as response:
                status = response.status
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            logger.warning("%s: not told: %s", to.name, type(error).__name__)
            return False
        return await self._settled(to, status)

    async def _settled(self, to: Subscription, status: int) -> bool:
        if status in GONE:
            await self._forget(to)
        elif status in FOR_LATER or status >= 500:
            logger.warning("%s: not told: status %s", to.name, status)
            return False
        elif not 200 <= status < 300:
            logger.error("%s: its push service refuses: status %s", to.name, status)
        return True

    async def _forget(self, to: Subscription) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(FORGET, [to.id, to.endpoint])

    def _signed(self, endpoint: str) -> dict[str, str]:
        place = urlsplit(endpoint)
        claims = {"aud": f"{place.scheme}://{place.netloc}", "sub": self._push["subject"]}
        signed: dict[str, str] = vapid.signer(self._push["private_key"]).sign(claims)
        return signed


async def subscriptions(connection: AsyncConnection, notice: Notice) -> list[Subscription]:
    query = SUBSCRIPTIONS.format(active_people=active_people())
    cursor = await connection.execute(query, {"conversation": notice.conversation_id})
    return [Subscription(*row) for row in await cursor.fetchall()]


async def shown(connection: AsyncConnection, notice: Notice) -> bytes:
    """Returns what the service worker shows: title and status, and no text of anybody's."""
    cursor = await connection.execute(FIRST_PROMPT, [notice.conversation_id])
    row = await cursor.fetchone()
    named = notice.title if not row or notice.title != title.first_words(row[0]) else ""
    return orjson.dumps(
        {
            "id": notice.id,
            "run": notice.run,
            "conversation": notice.conversation,
            "title": named,
            "status": notice.status,
        }
    )


def encrypted(to: Subscription, payload: bytes) -> dict[str, Any]:
    from pywebpush import WebPusher

    known = {"endpoint": to.endpoint, "keys": {"p256dh": to.p256dh, "auth": to.auth}}
    headers = {"content-encoding": "aes128gcm", "content-type": "application/octet-stream"}
    return {"body": WebPusher(known).encode(payload)["body"], "headers": headers}


def how(notice: Notice) -> dict[str, str]:
    """Returns how the push service handles it; what comes after of the same run replaces it."""
    urgency = "high" if notice.status == "waiting" else "normal"
    return {"ttl": str(KEPT), "urgency": urgency, "topic": notice.run.hex}


def public_connector() -> Any:
    """Returns aiohttp's connector that connects to the public internet alone: an endpoint is what a
    stranger's browser has said, and what its name leads to is judged as it is connected to."""
    import aiohttp

    class Resolver(aiohttp.ThreadedResolver):
        async def resolve(self, *args: Any, **kwargs: Any) -> Any:
            return checked(await super().resolve(*args, **kwargs))

    class Connector(aiohttp.TCPConnector):
        async def _resolve_host(self, host: str, *args: Any, **kwargs: Any) -> Any:
            if is_number(host) and not is_public(host):  # aiohttp resolves no numbers
                raise OSError("not a public address")
            return await super()._resolve_host(host, *args, **kwargs)

    return Connector(resolver=Resolver())


def checked(found: Any) -> Any:
    """Raises OSError where nothing is left."""
    public = [each for each in found if is_public(each["host"])]
    if not public:
        raise OSError("not a public address")
    return public
