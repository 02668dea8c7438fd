"""The contract between a run and a model API.

A provider is an async iterator of block events. Nothing in this package knows of the database, of
conversations or of who reads the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from django.utils.translation import gettext_noop as _

from .exception_chain import causes
from .prompt import Call as Call
from .prompt import File as File
from .prompt import Part as Part
from .prompt import Prompt as Prompt
from .prompt import Replay as Replay
from .prompt import Result as Result
from .prompt import Role as Role
from .prompt import Text as Text
from .prompt import ToolSpec as ToolSpec
from .prompt import Turn as Turn


class Kind(StrEnum):
    """What a block contains."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    REFUSAL = "refusal"


class Code(StrEnum):
    """Why a run failed; a closed list, so that every page and client can handle them all."""

    AUTH = "auth"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    BAD_REQUEST = "bad_request"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    PROTOCOL = "protocol"
    EMPTY = "empty"
    UNDECIDED = "undecided"
    BUDGET_SPENT = "budget_spent"
    WORKER_LOST = "worker_lost"
    STORAGE = "storage"
    INTERNAL = "internal"


# What a person is told, in the pages' own words: a vendor's text may hold keys or prompts.
SENTENCES: dict[Code, str] = {
    Code.AUTH: _("The model's service did not accept our key. Ask whoever runs this site."),
    Code.QUOTA: _("The site's account with the model's service is used up. Ask whoever runs it."),
    Code.RATE_LIMITED: _("Too many requests to the model just now. Try again in a minute."),
    Code.OVERLOADED: _("The model is busy. Try again in a minute."),
    Code.CONTEXT_LENGTH: _("This conversation is too long for the model. Start a new one."),
    Code.CONTENT_FILTER: _("The model's service declined to answer this."),
    Code.BAD_REQUEST: _("The model could not take this request. Try another model."),
    Code.TIMEOUT: _("The model went silent. Try again."),
    Code.UNAVAILABLE: _("The model cannot be reached. Try again in a minute."),
    Code.PROTOCOL: _("The model's service sent something unreadable. Try again."),
    Code.EMPTY: _("The model answered with nothing. Try again."),
    Code.UNDECIDED: _("Nobody decided in time, so this was given up. Try again."),
    Code.BUDGET_SPENT: _("You have used this month's budget, and this answer ends here."),
    Code.WORKER_LOST: _("The server stopped several times during this answer. Try again."),
    Code.STORAGE: _("The answer could not be saved. Try again."),
    Code.INTERNAL: _("Something went wrong on our side. Try again."),
}

# A person may try again, and a worker does by itself before anything is shown: see
# `streams.worker.model_call`.
RETRYABLE = frozenset(
    {
        Code.RATE_LIMITED,
        Code.OVERLOADED,
        Code.TIMEOUT,
        Code.UNAVAILABLE,
        Code.PROTOCOL,
        Code.EMPTY,
        Code.UNDECIDED,
        Code.WORKER_LOST,
        Code.STORAGE,
        Code.INTERNAL,
    }
)

# Worth asking again at once and unasked. What could not be read would come again, and a model
# that was silent for as long as we wait has had its time.
TRANSIENT = frozenset({Code.RATE_LIMITED, Code.OVERLOADED, Code.UNAVAILABLE, Code.INTERNAL})


class ProviderError(Exception):
    """A failure, with one of our codes.

    `retry_after` is in seconds, if the service named it. For operators there are the HTTP `status`,
    `vendor` (the vendor's type and code) and `why`, in our words. The vendor's own message stays on
    `__cause__` and is shown nowhere, since it may contain keys or prompts.
    """

    def __init__(
        self,
        code: Code,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        vendor: str = "",
        why: str = "",
    ) -> None:
        super().__init__(SENTENCES[code])
        self.code = code
        self.retry_after = retry_after
        self.status = status
        self.vendor = vendor
        self.why = why

    @property
    def retryable(self) -> bool:
        return self.code in RETRYABLE

    @property
    def source(self) -> str:
        """Returns status, type and code of the failure as the vendor names them."""
        return " ".join(filter(None, (str(self.status or ""), self.vendor)))

    def described(self) -> str:
        """Describes the failure for the log: the code and its cause, without the vendor's
        message.
        """
        known = {
            "status": self.status,
            "vendor": self.vendor,
            "cause": self.why or " of ".join(causes(self)),
        }
        said = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        return f"{self.code} ({said})" if said else str(self.code)


class UnknownModel(ValueError):
    """Raised when no configured provider offers this `provider:model` name."""


class ProviderNotInstalled(UnknownModel):
    """The provider is configured, and the packages it asks through are not here."""


@dataclass(frozen=True, slots=True)
class BlockStarted:
    """A block begins. `name` and `call_id` are set only for a tool call."""

    index: int
    kind: Kind
    name: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class BlockDelta:
    """More text of a started block; `text` is never empty."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class BlockEnded:
    index: int


@dataclass(frozen=True, slots=True)
class Upstream:
    """The service goes on with this answer by itself, under this id, whether we listen or not.

    Comes at most once and before any block. The reader must store the id before it asks
    for the next event; `Prompt.upstream` then continues the answer instead of asking again.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete; always the last event.

    `stop_reason` is one of `endings.ENDINGS`, or the vendor's own word of at most 32 characters;
    "tool_call" means that the calls are to be run. `usage` counts tokens: input_tokens,
    output_tokens and, if told, reasoning_tokens and cached_tokens. `replay` are the vendor's opaque
    items of this answer, for `Replay.items`.
    """

    stop_reason: str
    usage: dict[str, int] = field(default_factory=dict)
    replay: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Alive:
    """The service sent something without content: it is still working."""


ProviderEvent = BlockStarted | BlockDelta | BlockEnded | Alive | Upstream | Finished


class Provider(Protocol):
    """An adapter to one model API; one instance serves all runs of a worker.

    `stream` yields blocks that start, grow and end in order, with every started block ended and
    indexes 0, 1, 2, …, then one Finished; Alive may come anywhere before it. Every failure is a
    ProviderError. Closing the generator (`aclose`, or cancelling the task that iterates) closes the
    upstream request at once. Unknown upstream events are skipped and counted in `skipped`.
    """

    name: str
    skipped: int

    def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]: ...

    def models(self) -> Sequence[str]:
        """Returns names to offer in a menu; other names are accepted too."""
        ...

    async def aclose(self) -> None:
        """Closes its connections; the provider cannot be used afterwards."""
        ...


@runtime_checkable
class Background(Provider, Protocol):
    """A provider whose answers may go on without us: those that yield Upstream."""

    async def cancel(self, upstream: str) -> None:
        """Stops the answer of this id at the service. One that has ended already stays as it is;
        raises ProviderError if the service cannot be told.
        """
        ...
