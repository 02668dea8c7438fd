"""Anthropic's Messages API: https://docs.anthropic.com/en/api/messages-streaming"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from typing import Any

from anthropic import AsyncAnthropic, DefaultAioHttpClient

from streams.providers import http_client, payload
from streams.providers.anthropic_items import Items
from streams.providers.anthropic_request import messages, thinking, tool
from streams.providers.base import Finished, Kind, Prompt, ProviderEvent
from streams.providers.base_url import host_of
from streams.providers.block_numbering import Blocks
from streams.providers.errors import broke_off
from streams.providers.streaming_request import answer
from streams.providers.vendor_requests import VendorEndpoint

KINDS = {"text": Kind.TEXT, "thinking": Kind.REASONING, "tool_use": Kind.TOOL_CALL}
# The field of each kind of delta that holds what it adds.
FIELDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
}
COUNTED = (
    *("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    "output_tokens",
)
STOP_REASONS = {
    "end_turn": "end_turn",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "stop_sequence": "stop",
    "tool_use": "tool_call",
    "pause_turn": "pause_turn",
    "refusal": "refusal",
}


class Anthropic:
    """The `anthropic:` provider."""

    name = "anthropic"

    def __init__(
        self,
        api_key: str,
        base_url: str = "",
        models: Sequence[str] = (),
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        self.skipped = 0
        self._models = models
        self._extra = extra_body or {}
        http = DefaultAioHttpClient(**http_client.settings())
        self._client = AsyncAnthropic(
            api_key=api_key or "none",
            base_url=host_of(base_url) or "https://api.anthropic.com",
            max_retries=0,
            timeout=http_client.TIMEOUT,
            http_client=http,
        )
        self._messages = VendorEndpoint(self._client, http, "/v1/messages")

    def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        request: dict[str, Any] = {
            "model": prompt.model,
            "messages": messages(prompt, self.name),
            "max_tokens": prompt.max_tokens,
            "stream": True,
            **self._extra,
        }
        if prompt.system.strip():
            request["system"] = prompt.system
        if prompt.tools:
            request["tools"] = [*map(tool, prompt.tools), *self._extra.get("tools", ())]
        request = thinking(request)
        return answer(self, partial(self._messages.ask, request), Message())

    def models(self) -> Sequence[str]:
        return self._models

    async def aclose(self) -> None:
        await self._client.close()


class Message:
    """Reads one message's events."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._items = Items()
        self._kinds: dict[int | str | None, Kind] = {}
        self._reason = ""
        self._usage: dict[str, int] = {}

    def read(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        match event.get("type"):
            case "content_block_delta":
                return self._delta(event)
            case "content_block_start":
                return self._start(event)
            case "content_block_stop":
                return self._stop(event)
            case "message_start":
                return self._count(payload.within(event, "message", "usage"))
            case "message_delta":
                given = payload.within(event, "delta", "stop_reason")
                self._reason = payload.reason(given, STOP_REASONS) or self._reason
                return self._count(event.get("usage"))
            case "message_stop":
                goes_on = self._reason in ("tool_call", "pause_turn")
                replay = self._items.whole() if goes_on else ()
                end = Finished(self._reason or "stop", totals(self._usage), replay)
                return [*self._blocks.end_all(), end]
            case "ping":
                return []
            case "error":
                raise broke_off(event)
        return None

    def end(self) -> list[ProviderEvent]:
        return []

    def _start(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        """Starts a block; reasoning that is hidden starts only with its first words."""
        index, block = (
            payload.key(event.get("index")),
            payload.mapping(event.get("content_block")),
        )
        kind = KINDS.get(payload.text(block.get("type")))
        self._items.start(index, block)
        if kind is None:
            return None
        if kind is Kind.TOOL_CALL:
            events = self._blocks.start(index, kind, block.get("name"), block.get("id"))
        else:
            text = payload.text(block.get(block["type"]))
            events = [*self._blocks.end(index), *self._blocks.grow(index, kind, text)]
        self._kinds[index] = kind
        return events

    def _delta(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        index, delta = (
            payload.key(event.get("index")),
            payload.mapping(event.get("delta")),
        )
        type = payload.text(delta.get("type"))
        self._items.grow(index, delta)
        if index not in self._kinds or type not in FIELDS:
            # A signature is for the vendor's own eyes.
            return [] if type == "signature_delta" else None
        return self._blocks.grow(index, self._kinds[index], delta.get(FIELDS[type]))

    def _stop(self, event: dict[str, Any]) -> list[ProviderEvent]:
        index = payload.key(event.get("index"))
        self._kinds.pop(index, None)
        return self._blocks.end(index)

    def _count(self, usage: Any) -> list[ProviderEvent]:
        """Takes over the counts of the last event, which are totals; a missing one has not
        changed.
        """
        if isinstance(usage, dict):
            self._usage |= payload.counts(**{name: usage.get(name) for name in COUNTED})
        return []


def totals(usage: dict[str, int]) -> dict[str, int]:
    """Counts input as the other APIs do: including tokens read from and written to the cache."""
    cached = usage.get("cache_read_input_tokens", 0)
    counts = {
        "input_tokens": usage.get("input_tokens", 0)
        + cached
        + usage.get("cache_creation_input_tokens", 0),
        "output_tokens": usage.get("output_tokens", 0),
    }
    return counts | ({"cached_tokens": cached} if cached else {})
