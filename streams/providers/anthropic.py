"""Anthropic's Messages API: https://docs.anthropic.com/en/api/messages-streaming"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from anthropic import AsyncAnthropic, DefaultAioHttpClient

from streams.providers.base import Finished, Kind, Prompt, ProviderEvent
from streams.providers.blocks import Blocks
from streams.providers.errors import broke_off
from streams.providers.upstream import LIMITS, TIMEOUT, answer, turns

KINDS = {"text": Kind.TEXT, "thinking": Kind.REASONING, "tool_use": Kind.TOOL_CALL}
# The field of each kind of delta that holds what it adds.
FIELDS = {
    "text_delta": ("text", Kind.TEXT),
    "thinking_delta": ("thinking", Kind.REASONING),
    "input_json_delta": ("partial_json", Kind.TOOL_CALL),
}
STOP_REASONS = {
    "end_turn": "end_turn",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "tool_use": "tool_call",
    "refusal": "refusal",
}


class Anthropic:
    """The `anthropic:` provider."""

    name = "anthropic"

    def __init__(self, api_key: str, base_url: str = "", models: Sequence[str] = ()) -> None:
        self.skipped = 0
        self._models = models
        self._client = AsyncAnthropic(
            api_key=api_key or "none",
            base_url=base_url or "https://api.anthropic.com",
            max_retries=0,
            timeout=TIMEOUT,
            http_client=DefaultAioHttpClient(
                # Its key is in a header that no client takes off for another host.
                timeout=TIMEOUT,
                limits=LIMITS,
                follow_redirects=False,
            ),
        )
        # Looked up once: the way to it is built anew, and partly imported, at every look.
        self._create = self._client.messages.with_streaming_response.create

    def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        request: dict[str, Any] = {
            "model": prompt.model,
            "messages": turns(prompt),
            "max_tokens": prompt.max_tokens,
            "stream": True,
        }
        if prompt.system.strip():
            request["system"] = prompt.system
        return answer(self, lambda: self._create(**request), Message())

    def models(self) -> Sequence[str]:
        return self._models

    async def aclose(self) -> None:
        await self._client.close()


class Message:
    """Reads one message's events."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._reason = ""
        self._usage: dict[str, Any] = {}

    def read(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        match event.get("type"):
            case "content_block_delta":
                return self._delta(event["index"], event["delta"])
            case "content_block_start":
                return self._start(event["index"], event["content_block"])
            case "content_block_stop":
                return self._blocks.end(event["index"])
            case "message_start":
                return self._count(event["message"].get("usage"))
            case "message_delta":
                self._reason = event["delta"].get("stop_reason") or self._reason
                return self._count(event.get("usage"))
            case "message_stop":
                return [*self._blocks.end_all(), self._finished()]
            case "ping":
                return []
            case "error":
                raise broke_off(event)
        return None

    def end(self) -> list[ProviderEvent]:
        return []

    def _start(self, index: int, block: dict[str, Any]) -> list[ProviderEvent] | None:
        kind = KINDS.get(block["type"])
        if kind is None:
            return None
        events = self._blocks.start(index, kind, block.get("name", ""), block.get("id", ""))
        return events + self._blocks.grow(index, kind, block.get(block["type"], ""))

    def _delta(self, index: int, delta: dict[str, Any]) -> list[ProviderEvent] | None:
        if index not in self._blocks or delta["type"] not in FIELDS:
            # A signature is for the vendor's own eyes.
            return [] if delta["type"] == "signature_delta" else None
        field, kind = FIELDS[delta["type"]]
        return self._blocks.grow(index, kind, delta[field])

    def _count(self, usage: dict[str, Any] | None) -> list[ProviderEvent]:
        """The last event's counts are totals; they leave out what has not changed."""
        self._usage |= {name: count for name, count in (usage or {}).items() if count is not None}
        return []

    def _finished(self) -> Finished:
        return Finished(STOP_REASONS.get(self._reason, "stop"), totals(self._usage))


def totals(usage: dict[str, Any]) -> dict[str, int]:
    """Input counted as the others count it: with what was read from and put into the cache."""
    cached = usage.get("cache_read_input_tokens", 0)
    counts = {
        "input_tokens": usage.get("input_tokens", 0)
        + cached
        + usage.get("cache_creation_input_tokens", 0),
        "output_tokens": usage.get("output_tokens", 0),
    }
    return counts | ({"cached_tokens": cached} if cached else {})
