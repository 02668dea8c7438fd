"""Chat Completions, as OpenAI and many compatible servers speak it.

https://platform.openai.com/docs/api-reference/chat-streaming; `reasoning_content` is DeepSeek's and
llama.cpp's name for reasoning, `reasoning` that of OpenRouter and vLLM.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from openai import DefaultAioHttpClient

from streams.providers import http_client, payload
from streams.providers.base import Finished, Kind, Prompt, ProviderEvent
from streams.providers.block_numbering import Blocks
from streams.providers.errors import broke_off
from streams.providers.openai import BEARER, sdk, usage
from streams.providers.openai_request import chat_messages, chat_tool
from streams.providers.reasoning_tags import Thoughts
from streams.providers.streaming_request import answer
from streams.providers.vendor_requests import VendorEndpoint

# In lower case. The servers that imitate this API have many words for the same.
STOP_REASONS = {
    "stop": "end_turn",
    "eos": "end_turn",
    "eos_token": "end_turn",
    "stop_sequence": "stop",
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "model_length": "max_tokens",
    "tool_calls": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "abort": "interrupted",
    "cancelled": "interrupted",
    "insufficient_system_resource": "interrupted",
}
FAILED = ("error", "network_error")


@dataclass(frozen=True, slots=True)
class Call:
    """What one event says about a tool call."""

    at: int | str | None
    id: str
    name: str
    arguments: str
    extra: dict[str, Any]

    @classmethod
    def of(cls, given: Any) -> Call:
        call = payload.mapping(given)
        function = payload.mapping(call.get("function"))
        return cls(
            payload.key(call.get("index")),
            payload.name(call.get("id"), payload.CALL_ID),
            payload.name(function.get("name")),
            payload.text(function.get("arguments")),
            payload.mapping(call.get("extra_content")),
        )


class OpenAIChat:
    """The `openai-chat:` provider."""

    name = "openai-chat"
    headers: Mapping[str, str] = {}

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
        self._client = sdk(api_key, base_url, http)
        options = {"security": BEARER, "headers": self.headers}
        self._completions = VendorEndpoint(self._client, http, "/chat/completions", **options)
        # OpenAI's newer models refuse the old name, other servers do not know the new one.
        self._limit = "max_tokens" if base_url else "max_completion_tokens"

    def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        request: dict[str, Any] = {
            "model": prompt.model,
            "messages": [*system, *chat_messages(prompt, self.name)],
            self._limit: prompt.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self._extra,
        }
        if prompt.tools:
            request["tools"] = [*map(chat_tool, prompt.tools), *self._extra.get("tools", ())]
        return answer(self, partial(self._completions.ask, request), ChatCompletion())

    def models(self) -> Sequence[str]:
        return self._models

    async def aclose(self) -> None:
        await self._client.close()


class ChatCompletion:
    """Reads one completion's events; a block ends where another kind of delta begins."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._now: Kind | None = None
        self._thoughts = Thoughts()
        self._calls: dict[object, str] = {}  # the latest call's id at each index
        self._reasoning: list[str] = []
        self._opaque: list[dict[str, Any]] = []
        self._reason = ""
        self._usage: dict[str, int] = {}

    def read(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        if self._now is Kind.TEXT and (text := plain_text(event)):
            if self._thoughts.goes_on(text):
                return self._blocks.grow(Kind.TEXT, Kind.TEXT, text)
            return self._say(Kind.TEXT, text)
        # First: OpenRouter's says it in an event that has choices too.
        if event.get("error"):
            raise broke_off(event)
        if event.get("type") == "[DONE]":
            return self._finish() if self._reason or self._blocks.kinds else []
        choices = payload.sequence(event.get("choices"))
        if event.get("usage"):
            self._usage = usage(event, "prompt", "completion") or self._usage
        choice = payload.mapping(choices[0] if choices else None)
        if choice and choice.get("index") in (0, None):  # one was asked for
            return self._choice(choice)
        return [] if "choices" in event or "usage" in event else None

    def end(self) -> list[ProviderEvent]:
        """Completes the answer when the body ends after the stop reason, as some servers end it."""
        return self._finish() if self._reason else []

    def _choice(self, choice: dict[str, Any]) -> list[ProviderEvent]:
        """Reads the whole event before any of it counts, so that an event is never half left
        out.
        """
        delta = payload.mapping(choice.get("delta"))
        # Some servers send the same thought under both names.
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        said = [
            (Kind.REASONING, payload.text(thought)),
            *parts(delta.get("content")),
            (Kind.REFUSAL, payload.text(delta.get("refusal"))),
        ]
        calls = [Call.of(each) for each in payload.sequence(delta.get("tool_calls"))]
        if choice.get("finish_reason") in FAILED:
            raise broke_off(choice)
        self._reasoning.append(payload.text(delta.get("reasoning_content")))
        events = [event for kind, text in said for event in self._say(kind, text)]
        reason = payload.reason(choice.get("finish_reason"), STOP_REASONS)
        if calls or reason:
            events += self._say_rest()
        events += [event for call in calls for event in self._tool_call(call)]
        if reason:
            self._reason = reason
            events += self._turn_to(None)
        return events

    def _say(self, kind: Kind, text: str) -> list[ProviderEvent]:
        """Adds text, and separates reasoning that a server left in the text as the model wrote
        it.
        """
        said = self._thoughts.split(text) if kind is Kind.TEXT and text else [(kind, text)]
        return [event for kind, part in said for event in self._grow(kind, part)]

    def _say_rest(self) -> list[ProviderEvent]:
        return [event for kind, part in self._thoughts.rest() for event in self._grow(kind, part)]

    def _grow(self, kind: Kind, text: str) -> list[ProviderEvent]:
        return [*self._turn_to(kind), *self._blocks.grow(kind, kind, text)] if text else []

    def _tool_call(self, call: Call) -> list[ProviderEvent]:
        """Adds to a tool call. Calls may grow side by side; some servers give each index 0 and its
        own id.
        """
        events, key = self._turn_to(Kind.TOOL_CALL), (Kind.TOOL_CALL, call.at)
        if call.id and self._calls.setdefault(call.at, call.id) != call.id:
            self._calls[call.at] = call.id
            events += self._blocks.end(key)
        if call.extra:
            item = {"call_id": self._calls.get(call.at, ""), "extra_content": call.extra}
            self._opaque.append(item)
        if key not in self._blocks:
            events += self._blocks.start(key, Kind.TOOL_CALL, call.name, call.id)
        return events + self._blocks.grow(key, Kind.TOOL_CALL, call.arguments)

    def _turn_to(self, kind: Kind | None) -> list[ProviderEvent]:
        if kind == self._now:
            return []
        self._now = kind
        return self._blocks.end_all()

    def _finish(self) -> list[ProviderEvent]:
        end = Finished(self._stop_reason(), self._usage, self._replay())
        return [*self._say_rest(), *self._blocks.end_all(), end]

    def _replay(self) -> Sequence[dict[str, Any]]:
        """Returns what some servers want to see again in a loop of tools."""
        if Kind.TOOL_CALL not in self._blocks.kinds:
            return ()
        thought = "".join(self._reasoning)
        return payload.opaque(
            [*([{"reasoning_content": thought}] if thought else []), *self._opaque]
        )

    def _stop_reason(self) -> str:
        return "refusal" if Kind.REFUSAL in self._blocks.kinds else self._reason or "stop"


def plain_text(event: dict[str, Any]) -> str:
    """Returns the text of an event that holds nothing else, as most do; "" for any other."""
    choices = event.get("choices")
    if type(choices) is not list or len(choices) != 1 or event.get("error") or event.get("usage"):
        return ""
    choice = choices[0]
    delta = choice.get("delta") if type(choice) is dict else None
    if type(delta) is not dict or len(delta) > 1 + ("role" in delta):
        return ""
    text, alone = delta.get("content"), choice.get("index") in (0, None)
    return text if type(text) is str and alone and not choice.get("finish_reason") else ""


def parts(content: Any) -> Iterator[tuple[Kind, str]]:
    """Reads content given as a list, as Mistral's reasoning models send it."""
    if not isinstance(content, list):
        yield Kind.TEXT, payload.text(content)
        return
    for part in map(payload.mapping, content):
        if part.get("type") == "thinking":
            thoughts = map(payload.mapping, payload.sequence(part.get("thinking")))
            yield from ((Kind.REASONING, payload.text(each.get("text"))) for each in thoughts)
        else:
            yield Kind.TEXT, payload.text(part.get("text"))
