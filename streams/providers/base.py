"""The contract between a run and a model API.

A provider is an async iterator of block events. Values here are pure; nothing in this
folder knows of the database, of conversations or of who reads the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

Role = Literal["user", "assistant"]


class Kind(StrEnum):
    """What a block holds."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    REFUSAL = "refusal"


class Code(StrEnum):
    """Why a run failed; closed, so that every page and client can know them all."""

    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    BAD_REQUEST = "bad_request"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    PROTOCOL = "protocol"
    WORKER_LOST = "worker_lost"
    STORAGE = "storage"
    INTERNAL = "internal"


# What a person is told, in the pages' own words: a vendor's text may hold keys or prompts.
SENTENCES: dict[Code, str] = {
    Code.AUTH: "The model's service did not accept our key. Ask whoever runs this site.",
    Code.RATE_LIMITED: "Too many requests to the model just now. Try again in a minute.",
    Code.OVERLOADED: "The model is busy. Try again in a minute.",
    Code.CONTEXT_LENGTH: "This conversation is too long for the model. Start a new one.",
    Code.CONTENT_FILTER: "The model's service declined to answer this.",
    Code.BAD_REQUEST: "The model could not take this request. Try another model.",
    Code.TIMEOUT: "The model went silent. Try again.",
    Code.UNAVAILABLE: "The model cannot be reached. Try again in a minute.",
    Code.PROTOCOL: "The model's service sent something unreadable. Try again.",
    Code.WORKER_LOST: "The server stopped several times during this answer. Try again.",
    Code.STORAGE: "The answer could not be saved. Try again.",
    Code.INTERNAL: "Something went wrong on our side. Try again.",
}

RETRYABLE = frozenset(
    {
        Code.RATE_LIMITED,
        Code.OVERLOADED,
        Code.TIMEOUT,
        Code.UNAVAILABLE,
        Code.PROTOCOL,
        Code.WORKER_LOST,
        Code.STORAGE,
        Code.INTERNAL,
    }
)


class ProviderError(Exception):
    """A failure with one of our codes.

    `retry_after` is in seconds, when the service named it. The vendor's own words stay on
    `__cause__` and go nowhere.
    """

    def __init__(self, code: Code, *, retry_after: float | None = None) -> None:
        super().__init__(SENTENCES[code])
        self.code = code
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        return self.code in RETRYABLE


class UnknownModel(ValueError):
    """No configured provider answers to this `provider:model` name."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message, as the model is to see it."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a provider needs for one answer; `turns` ends with the user's."""

    model: str
    turns: Sequence[Turn]
    system: str = ""
    max_tokens: int = 8192  # thoughts included


@dataclass(frozen=True, slots=True)
class BlockStarted:
    """A block begins. `name` and `call_id` are set for a tool call alone."""

    index: int
    kind: Kind
    name: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class BlockDelta:
    """More of a block that has started; `text` is never empty."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class BlockEnded:
    index: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole; always the last event.

    `stop_reason` is one of end_turn, max_tokens, tool_call, refusal, content_filter, stop.
    `usage` counts tokens: input_tokens, output_tokens and, where told, reasoning_tokens and
    cached_tokens.
    """

    stop_reason: str
    usage: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alive:
    """The service sent something that says nothing: it is thinking, not gone."""


ProviderEvent = BlockStarted | BlockDelta | BlockEnded | Alive | Finished


class Provider(Protocol):
    """An adapter to one model API; one instance serves all runs of a worker.

    `stream` yields blocks that start, grow and end in order, every started block ended,
    indexes 0, 1, 2, …, then one Finished, and Alive anywhere before it; it raises
    ProviderError for every failure and nothing else. Closing the generator (`aclose`, or
    cancelling the task that iterates) closes the upstream request at once. Unknown upstream
    events are skipped and counted in `skipped`.
    """

    name: str
    skipped: int

    def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]: ...

    def models(self) -> Sequence[str]:
        """Names worth offering in a menu; any other name is accepted too."""
        ...

    async def aclose(self) -> None:
        """Give back sockets; the provider cannot be used after."""
        ...
