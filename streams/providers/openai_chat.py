"""Chat Completions, as OpenAI and many compatible servers speak it.

https://platform.openai.com/docs/api-reference/chat-streaming; `reasoning_content` is DeepSeek's
and llama.cpp's name for the model's thoughts, `reasoning` OpenRouter's and vLLM's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any

from streams.providers.base import Finished, Kind, Prompt, ProviderEvent
from streams.providers.blocks import Blocks
from streams.providers.errors import broke_off
from streams.providers.openai import client
from streams.providers.upstream import answer, turns

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "content_filter": "content_filter",
}


class OpenAIChat:
    """The `openai-chat:` provider."""

    name = "openai-chat"
    headers: Mapping[str, str] = {}

    def __init__(self, api_key: str, base_url: str = "", models: Sequence[str] = ()) -> None:
        self.skipped = 0
        self._models = models
        self._client = client(api_key, base_url)
        # Looked up once: the way to it is built anew, and partly imported, at every look.
        self._create = self._client.chat.completions.with_streaming_response.create
        # OpenAI's newer models refuse the old name, other servers do not know the new one.
        self._limit = "max_tokens" if base_url else "max_completion_tokens"

    def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        request: dict[str, Any] = {
            "model": prompt.model,
            "messages": [*system, *turns(prompt)],
            self._limit: prompt.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "extra_headers": self.headers,
        }
        return answer(self, lambda: self._create(**request), ChatCompletion())

    def models(self) -> Sequence[str]:
        return self._models

    async def aclose(self) -> None:
        await self._client.close()


class ChatCompletion:
    """Reads one completion's events; a block ends where another kind of delta begins."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._now: Kind | None = None
        self._calls: dict[object, str] = {}  # the latest call's id at each index
        self._reason: str | None = None
        self._usage: dict[str, int] = {}

    def read(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        # First: OpenRouter's says it in an event that has choices too.
        if event.get("error"):
            raise broke_off(event)
        if "choices" in event:
            self._usage = usage(event.get("usage") or {}) or self._usage
            return [out for choice in event["choices"] for out in self._choice(choice)]
        if event.get("type") == "[DONE]":
            return self._finish() if self._reason or self._blocks.kinds else []
        return None

    def end(self) -> list[ProviderEvent]:
        """Some servers close the body after the reason to stop, without [DONE]."""
        return self._finish() if self._reason else []

    def _choice(self, choice: dict[str, Any]) -> list[ProviderEvent]:
        delta = choice.get("delta") or {}
        events: list[ProviderEvent] = []
        # Some servers send the same thought under both names.
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        events += self._grow(Kind.REASONING, thought)
        for kind, text in parts(delta.get("content")):
            events += self._grow(kind, text)
        events += self._grow(Kind.REFUSAL, delta.get("refusal"))
        for call in delta.get("tool_calls") or ():
            events += self._tool_call(call)
        if reason := choice.get("finish_reason"):
            if reason == "error":
                raise broke_off(choice)
            self._reason = reason
            events += self._turn_to(None)
        return events

    def _grow(self, kind: Kind, text: str | None) -> list[ProviderEvent]:
        return [*self._turn_to(kind), *self._blocks.grow(kind, kind, text)] if text else []

    def _tool_call(self, call: dict[str, Any]) -> list[ProviderEvent]:
        """Calls may grow side by side. Some servers give each the index 0 and an id of its own."""
        at, call_id = call.get("index"), call.get("id") or ""
        events, key = self._turn_to(Kind.TOOL_CALL), (Kind.TOOL_CALL, at)
        if call_id and self._calls.setdefault(at, call_id) != call_id:
            self._calls[at] = call_id
            events += self._blocks.end(key)
        function = call.get("function") or {}
        if key not in self._blocks:
            name = function.get("name") or ""
            events += self._blocks.start(key, Kind.TOOL_CALL, name, call_id)
        return events + self._blocks.grow(key, Kind.TOOL_CALL, function.get("arguments") or "")

    def _turn_to(self, kind: Kind | None) -> list[ProviderEvent]:
        if kind == self._now:
            return []
        self._now = kind
        return self._blocks.end_all()

    def _finish(self) -> list[ProviderEvent]:
        return [*self._blocks.end_all(), Finished(self._stop_reason(), self._usage)]

    def _stop_reason(self) -> str:
        if Kind.REFUSAL in self._blocks.kinds:
            return "refusal"
        return STOP_REASONS.get(self._reason or "", "stop")


def parts(content: Any) -> Iterator[tuple[Kind, str | None]]:
    """Mistral's thinking models send a list, and their thoughts as a list within it."""
    if not isinstance(content, list):
        yield Kind.TEXT, content
        return
    for part in content:
        if part["type"] == "thinking":
            yield from ((Kind.REASONING, each.get("text")) for each in part["thinking"])
        else:
            yield Kind.TEXT, part.get("text")


def usage(given: dict[str, Any]) -> dict[str, int]:
    counts = {
        "input_tokens": given.get("prompt_tokens"),
        "output_tokens": given.get("completion_tokens"),
        "reasoning_tokens": (given.get("completion_tokens_details") or {}).get("reasoning_tokens"),
        "cached_tokens": (given.get("prompt_tokens_details") or {}).get("cached_tokens"),
    }
    return {name: count for name, count in counts.items() if count is not None}
