"""Tells a site's other programs of runs, by signed requests as standardwebhooks.com describes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from psycopg_pool import AsyncConnectionPool

from .notice import Notice

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger(__name__)

GONE = 410


IS_GONE = "SELECT FROM streams_gonewebhook WHERE name = %(name)s AND mark = %(mark)s"
HAS_GONE = """
INSERT INTO streams_gonewebhook (name, mark) VALUES (%(name)s, %(mark)s)
    ON CONFLICT (name) DO UPDATE SET mark = excluded.mark, gone_at = excluded.gone_at
"""


class Webhook:
    """One address. Once it has answered 410 every worker leaves it alone; see `GoneWebhook`."""

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any],
        session: aiohttp.ClientSession,
        pool: AsyncConnectionPool,
    ) -> None:
        from standardwebhooks import Webhook as Signer

        self.name = f"webhook:{name}"
        self._url = options["url"]
        self._signer = Signer(options["secret"])
        self._session = session
        self._pool = pool
        self._row = {"name": name, "mark": sha256(str(self._url).encode()).hexdigest()}

    async def tell(self, notice: Notice, done: Iterable[str]) -> tuple[set[str], bool]:
        told = self.name in done or await self._is_gone() or await self._sent(notice)
        return ({self.name} if told else set()), told

    async def _is_gone(self) -> bool:
        async with self._pool.connection() as connection:
            return (await connection.execute(IS_GONE, self._row)).rowcount == 1

    async def _sent(self, notice: Notice) -> bool:
        from aiohttp import ClientError

        body = orjson.dumps(shown(notice)).decode()
        try:
            async with self._session.post(
                self._url, data=body, headers=self._signed(notice.id, body), allow_redirects=False
            ) as response:
                status = response.status
        except (ClientError, OSError, TimeoutError) as error:
            logger.warning("%s: %s not told: %s", self.name, notice.id, type(error).__name__)
            return False
        if status == GONE:
            logger.error("%s answers 410 and is told nothing more", self.name)
            async with self._pool.connection() as connection:
                await connection.execute(HAS_GONE, self._row)
        elif not 200 <= status < 300:
            logger.warning("%s: %s not told: status %s", self.name, notice.id, status)
            return False
        return True

    def _signed(self, id: str, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(id, now, body),
        }


def shown(notice: Notice) -> dict[str, Any]:
    """Returns the body: what became of the run, and no text of anybody's."""
    return {
        "type": f"run.{notice.status}",
        "timestamp": notice.happened,
        "data": {
            "run": notice.run,
            "conversation": notice.conversation,
            "user": notice.person,
            "status": notice.status,
            "model": notice.model,
            "usage": notice.usage,
            "error": notice.error_code or None,
        },
    }
