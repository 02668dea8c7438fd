"""One address of a model's service, asked through the service's SDK.

An SDK checks and builds each request anew, address, headers and all, which takes longer than all
that the answer's first words cost besides. Here it does so until one is answered; later requests
are that one with another body, sent by the same HTTP client.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

import httpx2
import orjson

from .errors import refused

# In lower case. No SDK sends one today; with the same key twice an answer would be another's.
OF_ONE_REQUEST = {"idempotency-key", "x-idempotency-key"}


class Client(Protocol):
    """What both SDKs' clients have in common: a request with their own key, headers and errors."""

    async def post(
        self, path: str, *, cast_to: Any, content: bytes, options: Any, stream: Any
    ) -> Any:
        """Returns the response, its body unread, if `cast_to` is its type and `stream` is true."""


class Head(NamedTuple):
    """A request without its body."""

    method: str
    url: httpx2.URL
    headers: httpx2.Headers
    extensions: dict[str, Any]

    @classmethod
    def of(cls, request: httpx2.Request) -> Head:
        headers = request.headers.copy()
        headers.pop("content-length", None)
        return cls(request.method, request.url, headers, request.extensions)

    def with_body(self, content: bytes) -> httpx2.Request:
        return httpx2.Request(
            self.method, self.url, headers=self.headers, content=content, extensions=self.extensions
        )


class VendorEndpoint:
    """An address that takes POSTs. `http` is the HTTP client that `client` was made with; `options`
    are the SDK's own, the same for each request.
    """

    def __init__(self, client: Client, http: httpx2.AsyncClient, path: str, **options: Any) -> None:
        self._client = client
        self._http = http
        self._path = path
        self._options = options
        self._answered: Head | None = None

    @asynccontextmanager
    async def ask(self, request: Mapping[str, Any]) -> AsyncGenerator[httpx2.Response, None]:
        """Opens the streamed response. Raises ProviderError, and what the SDK and HTTP client do.

        The SDKs' methods for each resource are no way to begin with: they transform every turn of
        the history again, which blocks the event loop for 200 ms or more for 1,000 turns.
        """
        content = orjson.dumps(request)
        head = self._answered
        response = await (self._again(head, content) if head else self._first(content))
        try:
            yield response
        finally:
            await response.aclose()

    async def _first(self, content: bytes) -> httpx2.Response:
        response: httpx2.Response = await self._client.post(
            self._path, cast_to=httpx2.Response, content=content, options=self._options, stream=True
        )
        if not OF_ONE_REQUEST & {*response.request.headers}:
            self._answered = Head.of(response.request)
        return response

    async def _again(self, head: Head, content: bytes) -> httpx2.Response:
        response = await self._http.send(head.with_body(content), stream=True)
        if response.is_success:
            return response
        try:
            body = await response.aread()
        finally:
            await response.aclose()
        raise refused(response, said(body))


def said(body: bytes) -> Any:
    """Returns what a refusal holds, if that is JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
