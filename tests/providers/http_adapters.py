"""The adapters that speak over HTTP, each with its vendor's transcripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.providers.anthropic import Anthropic, Message
from streams.providers.base import (
    Alive,
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Finished,
    Kind,
    Prompt,
    Provider,
    ProviderEvent,
)
from streams.providers.local import Local
from streams.providers.openai import OpenAI, Responses
from streams.providers.openai_chat import ChatCompletion, OpenAIChat
from streams.providers.streaming_request import Reader
from tests.providers import vendor_streams as t


@dataclass(frozen=True)
class Dialect:
    """`begin` is a thought and a text still growing, `end` what makes the answer whole. `name` is
    the provider's, of which a client would be made to ask: 36 ms of reading whom to trust."""

    name: str
    provider: Callable[[str], Provider]
    reader: Callable[[], Reader]
    path: str
    begin: bytes
    end: bytes
    usage: dict[str, int]

    @property
    def whole(self) -> bytes:
        return self.begin + self.end


COUNTED = {"input_tokens": 36, "output_tokens": 87, "reasoning_tokens": 12, "cached_tokens": 4}
UNTHOUGHT = {"input_tokens": 36, "output_tokens": 87, "cached_tokens": 4}

DIALECTS = (
    Dialect(
        "openai",
        lambda url: OpenAI("sk-test", f"{url}/v1"),
        Responses,
        "/v1/responses",
        t.RESPONSES_BEGIN,
        t.RESPONSES_END,
        COUNTED,
    ),
    Dialect(
        "openai-chat",
        lambda url: OpenAIChat("sk-test", f"{url}/v1"),
        ChatCompletion,
        "/v1/chat/completions",
        t.CHAT_BEGIN,
        t.CHAT_END,
        COUNTED,
    ),
    Dialect(
        "anthropic",
        lambda url: Anthropic("sk-test", url),
        Message,
        "/v1/messages",
        t.MESSAGES_BEGIN,
        t.MESSAGES_END,
        UNTHOUGHT,
    ),
    Dialect(
        "local", Local, ChatCompletion, "/v1/chat/completions", t.CHAT_BEGIN, t.CHAT_END, COUNTED
    ),
)


def greeting(usage: dict[str, int]) -> list[ProviderEvent]:
    """Our events for any dialect's whole transcript, deltas of a block joined."""
    return [
        BlockStarted(0, Kind.REASONING),
        BlockDelta(0, "Greet back.\n\nIn German."),
        BlockEnded(0),
        BlockStarted(1, Kind.TEXT),
        BlockDelta(1, t.SAID),
        BlockEnded(1),
        Finished("end_turn", usage),
    ]


async def read(
    provider: Provider, prompt: Prompt, into: list[ProviderEvent] | None = None
) -> list[ProviderEvent]:
    """The events of an answer but for signs of life; those before a failure stay in `into`."""
    events = [] if into is None else into
    async for event in provider.stream(prompt):
        if not isinstance(event, Alive):
            events.append(event)
    return events


def joined(events: list[ProviderEvent]) -> list[ProviderEvent]:
    """The same events with neighbouring deltas of a block as one."""
    result: list[ProviderEvent] = []
    for event in events:
        last = result[-1] if result else None
        if (
            isinstance(event, BlockDelta)
            and isinstance(last, BlockDelta)
            and last.index == event.index
        ):
            result[-1] = BlockDelta(last.index, last.text + event.text)
        else:
            result.append(event)
    return result
