"""OpenAI's background mode: a response goes on there while nobody listens, and is read again.

https://platform.openai.com/docs/guides/background. It has to be stored there (`store`), every event
has a `sequence_number`, and a stream that broke is continued behind one with `starting_after`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from openai import AsyncOpenAI

from streams.providers import payload
from streams.providers.base import Code, Provider, ProviderError, ProviderEvent, Upstream
from streams.providers.errors import failure
from streams.providers.streaming_request import Reader, answer
from streams.providers.vendor_requests import VendorEndpoint

GIVES_UP_AFTER = 6  # broken connections in a row without an event between them
FIRST_WAIT = 0.25  # seconds, twice as many each time
ENDED = (400, 404, 409)  # how a response that cannot be cancelled any more is answered for


class Numbered:
    """Reads a response's events, each once, over as many connections as it takes."""

    def __init__(self, reader: Reader, upstream: str) -> None:
        self.upstream = upstream
        self.after: int | None = None
        self._reader = reader

    def read(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        number = event.get("sequence_number")
        if type(number) is int:
            if self.after is not None and number <= self.after:
                return []
            self.after = number
        given = payload.within(event, "response", "id")
        known: list[ProviderEvent] = []
        if not self.upstream and given:
            self.upstream = payload.name(given)
            known = [Upstream(self.upstream)]
        events = self._reader.read(event)
        return [*known, *(events or [])] if known or events is not None else None

    def end(self) -> list[ProviderEvent]:
        return self._reader.end()


@dataclass(frozen=True, slots=True)
class BackgroundResponses:
    """What is asked of one account: its client, and the client's options for each request."""

    client: AsyncOpenAI
    responses: VendorEndpoint
    options: Any  # as the SDK's clients take them

    async def stream(
        self, provider: Provider, request: Mapping[str, Any], upstream: str, reader: Reader
    ) -> AsyncGenerator[ProviderEvent, None]:
        """Yields the events of a new response, or of the one with the id `upstream` from its
        beginning. A connection that breaks is made again behind the last event.

        A response that OpenAI does not have any more is asked for anew.
        """
        numbered, broken = Numbered(reader, upstream), 0
        while True:
            before = numbered.after
            events = answer(provider, lambda: self._ask(numbered, request), numbered)
            try:
                async for event in events:
                    yield event
                return
            except ProviderError as error:
                if error.status == 404 and numbered.after is None and numbered.upstream:
                    numbered.upstream = ""
                    continue
                broken = 1 if numbered.after != before else broken + 1
                goes_on = numbered.upstream and error.code is Code.UNAVAILABLE
                if not goes_on or error.status == 404 or broken >= GIVES_UP_AFTER:
                    raise
            finally:
                await events.aclose()
            await asyncio.sleep(FIRST_WAIT * 2 ** (broken - 1))

    @asynccontextmanager
    async def _ask(
        self, numbered: Numbered, request: Mapping[str, Any]
    ) -> AsyncGenerator[httpx2.Response, None]:
        if not numbered.upstream:
            stored = {**request, "store": True, "background": True}
            async with self.responses.ask(stored) as response:
                yield response
            return
        params: dict[str, Any] = {"stream": "true"}
        if numbered.after is not None:
            params["starting_after"] = numbered.after
        options: Any = {**self.options, "params": params}
        path = f"/responses/{numbered.upstream}"
        response = await self.client.get(
            path, cast_to=httpx2.Response, options=options, stream=True
        )
        try:
            yield response
        finally:
            await response.aclose()

    async def cancel(self, upstream: str) -> None:
        """Stops a response there; one that has ended or is gone is left as it is."""
        try:
            await self.client.post(
                f"/responses/{upstream}/cancel",
                cast_to=httpx2.Response,
                options=self.options,
            )
        except Exception as error:
            if (failed := failure(error)).status not in ENDED:
                raise failed from error
