"""OpenAI's Responses API: https://platform.openai.com/docs/api-reference/responses-streaming"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from typing import Any

from openai import AsyncOpenAI, DefaultAioHttpClient

from streams.providers import http_client, payload
from streams.providers.base import Finished, Kind, Prompt, ProviderEvent
from streams.providers.base_url import base_of
from streams.providers.block_numbering import Blocks
from streams.providers.errors import broke_off
from streams.providers.openai_background import BackgroundResponses
from streams.providers.openai_request import included, responses_input, responses_tool
from streams.providers.streaming_request import answer
from streams.providers.vendor_requests import VendorEndpoint

# Events that say nothing which the deltas do not.
QUIET = frozenset(
    {
        "keepalive",
        "response.queued",
        "response.created",
        "response.in_progress",
        "response.content_part.added",
        "response.content_part.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_text.done",
    }
)
# Or an administrator's key that happens to be in the environment would go along.
BEARER = {"bearer_auth": True}
INCOMPLETE = {"max_output_tokens": "max_tokens", "content_filter": "content_filter"}


class OpenAI:
    """The `openai:` provider.

    With `background` answers are made, and stored, at OpenAI whether we listen or not.
    """

    name = "openai"

    def __init__(
        self,
        api_key: str,
        base_url: str = "",
        models: Sequence[str] = (),
        extra_body: Mapping[str, Any] | None = None,
        background: bool = False,
    ) -> None:
        self.skipped = 0
        self._models = models
        self._extra = extra_body or {}
        http = DefaultAioHttpClient(**http_client.settings())
        self._client = sdk(api_key, base_url, http)
        self._responses = VendorEndpoint(self._client, http, "/responses", security=BEARER)
        self._background = BackgroundResponses(self._client, self._responses, {"security": BEARER})
        self._in_background = background

    def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        # Not stored at OpenAI: the conversation's own log is the one record of it.
        request: dict[str, Any] = {
            "model": prompt.model,
            "input": responses_input(prompt, self.name),
            "max_output_tokens": prompt.max_tokens,
            "store": False,
            "stream": True,
            **self._extra,
        }
        if prompt.system:
            request["instructions"] = prompt.system
        if prompt.tools:
            given = map(responses_tool, prompt.tools)
            request["tools"] = [*given, *self._extra.get("tools", ())]
        if include := included(prompt):
            request["include"] = [*include, *self._extra.get("include", ())]
        if self._in_background:
            return self._background.stream(self, request, prompt.upstream, Responses())
        return answer(self, partial(self._responses.ask, request), Responses())

    async def cancel(self, upstream: str) -> None:
        """Stops an answer that goes on at OpenAI. Raises ProviderError."""
        await self._background.cancel(upstream)

    def models(self) -> Sequence[str]:
        return self._models

    async def aclose(self) -> None:
        await self._client.close()


def sdk(api_key: str, base_url: str, http: DefaultAioHttpClient) -> AsyncOpenAI:
    """Makes an SDK client that leaves retries to the run; self-hosted servers often need no key."""
    return AsyncOpenAI(
        api_key=api_key or "none",
        base_url=base_of(base_url) or "https://api.openai.com/v1",
        max_retries=0,
        timeout=http_client.TIMEOUT,
        http_client=http,
    )


class Responses:
    """Reads one response's events."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._part: object = None
        self._items: list[dict[str, Any]] = []

    def read(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        kind = payload.text(event.get("type"))
        match kind:
            case "response.output_text.delta":
                return self._grow(event, Kind.TEXT)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                return self._reason(event)
            case "response.function_call_arguments.delta":
                return self._grow(event, Kind.TOOL_CALL)
            case "response.refusal.delta":
                return self._grow(event, Kind.REFUSAL)
            case "response.output_item.added":
                return self._item_added(event)
            case "response.output_text.done":
                return self._end(event, Kind.TEXT, "text")
            case "response.function_call_arguments.done":
                return self._end(event, Kind.TOOL_CALL, "arguments")
            case "response.refusal.done":
                return self._end(event, Kind.REFUSAL, "refusal")
            case "response.output_item.done":
                self._items.append(payload.mapping(event.get("item")))
                return self._blocks.end((Kind.REASONING, place(event)))
            case "response.completed" | "response.incomplete" | "response.cancelled":
                return self._finish(payload.mapping(event.get("response")))
            case "response.failed":
                raise broke_off(event.get("response"))
            case "error":
                raise broke_off(event)
        return [] if kind in QUIET else None

    def end(self) -> list[ProviderEvent]:
        return []

    def _grow(self, event: dict[str, Any], kind: Kind) -> list[ProviderEvent]:
        return self._blocks.grow((kind, place(event)), kind, event.get("delta"))

    def _reason(self, event: dict[str, Any]) -> list[ProviderEvent]:
        """Reads a part of the reasoning summary; parts come without a space between, so each is a
        paragraph.
        """
        key = (Kind.REASONING, place(event))
        thought = payload.text(event.get("delta"))
        part = event.get("summary_index", event.get("content_index"))
        gap = "\n\n" if key in self._blocks and part != self._part else ""
        self._part = part
        return self._blocks.grow(key, Kind.REASONING, gap + thought)

    def _item_added(self, event: dict[str, Any]) -> list[ProviderEvent]:
        item = payload.mapping(event.get("item"))
        if item.get("type") != "function_call":
            return []
        key = (Kind.TOOL_CALL, place(event))
        return self._blocks.start(key, Kind.TOOL_CALL, item.get("name"), item.get("call_id"))

    def _end(self, event: dict[str, Any], kind: Kind, field: str) -> list[ProviderEvent]:
        """Ends a part; the event holds its whole text, which is all there is if no deltas came."""
        key, whole = (kind, place(event)), payload.text(event.get(field))
        late = [] if key in self._blocks else self._blocks.grow(key, kind, whole)
        return [*late, *self._blocks.end(key, whole)]

    def _finish(self, response: dict[str, Any]) -> list[ProviderEvent]:
        end = Finished(self._stop_reason(response), usage(response), self._replay(response))
        return [*self._blocks.end_all(), end]

    def _replay(self, response: dict[str, Any]) -> Sequence[dict[str, Any]]:
        """Returns all items if a tool was called after thoughts that can be sent again: the API
        refuses one without what followed it, and one that it has not kept.
        """
        if Kind.TOOL_CALL not in self._blocks.kinds:
            return ()
        items = payload.sequence(response.get("output")) or self._items
        thoughts = [item for item in items if payload.mapping(item).get("type") == "reasoning"]
        kept = thoughts and all(thought.get("encrypted_content") for thought in thoughts)
        return payload.opaque(items) if kept else ()

    def _stop_reason(self, response: dict[str, Any]) -> str:
        given = payload.within(response, "incomplete_details", "reason")
        if reason := payload.reason(given, INCOMPLETE):
            return reason
        if Kind.REFUSAL in self._blocks.kinds:
            return "refusal"
        if response.get("status") in ("incomplete", "cancelled"):
            return "interrupted"
        return "tool_call" if Kind.TOOL_CALL in self._blocks.kinds else "end_turn"


def place(event: dict[str, Any]) -> int | str | None:
    """Returns which output item an event is about; llama.cpp identifies it by id alone."""
    if (index := event.get("output_index")) is not None:
        return payload.key(index)
    item = payload.mapping(event.get("item"))
    return payload.key(event.get("item_id") or item.get("id") or item.get("call_id"))


def usage(body: dict[str, Any], given: str = "input", got: str = "output") -> dict[str, int]:
    """The token counts of either API, which name them `{given}_tokens` and `{got}_tokens`."""

    def count(*names: str) -> Any:
        return payload.within(body, "usage", *names)

    return payload.counts(
        input_tokens=count(f"{given}_tokens"),
        output_tokens=count(f"{got}_tokens"),
        reasoning_tokens=count(f"{got}_tokens_details", "reasoning_tokens"),
        cached_tokens=count(f"{given}_tokens_details", "cached_tokens"),
    )
