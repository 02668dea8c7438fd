"""A device that speaks HTTP: signed in, posting prompts, applying streams."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from httpx_sse import EventSource, ServerSentEvent

from streams import access
from streams.log.transcript import Row, Transcript
from streams.models import Device

UNNUMBERED = ("sync", "ping", "resync", "gone", "bye", "feed", "presence")


def cookies_of(device: Device) -> dict[str, str]:
    """The cookies of a browser in which this device's user has signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(device.user_id)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = device.user.get_session_auth_hash()
    session[access.DEVICE_SESSION_KEY] = device.pk
    session.save()
    return {
        settings.SESSION_COOKIE_NAME: session.session_key,
        access.DEVICE_COOKIE: access.signed_key(device),
        "csrftoken": "t" * 32,
    }


def header_of(cookies: Mapping[str, str]) -> str:
    """Returns cookies as a browser sends them in a header."""
    return "; ".join(f"{name}={text}" for name, text in cookies.items())


@dataclass
class Client:
    """One device; `transcript` is what it has applied, `seqs` the numbers in order."""

    cookies: dict[str, str]
    transcript: Transcript = field(default_factory=Transcript)
    gapless: bool = True  # one run's own stream leaves the others' numbers out
    seqs: list[int] = field(default_factory=list)

    @classmethod
    async def of(cls, device: Device) -> Client:
        return cls(await sync_to_async(cookies_of)(device))

    def http(self, url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=url,
            cookies=self.cookies,
            headers={"X-CSRFToken": "t" * 32, "Accept": "application/json"},
            timeout=30,
            verify=False,  # there is no TLS here, and a context costs more than a stream
            trust_env=False,
        )

    async def post(self, url: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        async with self.http(url) as http:
            return await http.post(path, json=body or {})

    async def read(
        self, url: str, path: str, by_header: bool = False
    ) -> AsyncIterator[ServerSentEvent]:
        """Frames past this client's cursor, each applied before it is handed out."""
        cursor = str(self.transcript.head)
        headers = {"Last-Event-ID": cursor} if by_header else {}
        path = httpx.URL(path)
        if not by_header:
            path = path.copy_add_param("after", cursor)
        async with (
            self.http(url) as http,
            http.stream("GET", path, headers=headers) as response,
        ):
            assert response.status_code == 200, response.status_code
            async for event in EventSource(response).aiter_sse():
                if event.data:
                    self.apply(event)
                    yield event

    def apply(self, event: ServerSentEvent) -> None:
        if event.event in UNNUMBERED:
            return
        data = json.loads(event.data)
        seq = int(event.id)
        assert seq > self.transcript.head, f"{seq} came again after {self.transcript.head}"
        first = data.get("from", seq)
        assert not self.gapless or first <= self.transcript.head + 1, (
            f"nothing between {self.transcript.head}, {first}"
        )
        self.seqs.append(seq)
        self.transcript.apply(Row(seq, event.event, data))
