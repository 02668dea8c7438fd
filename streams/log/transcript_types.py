"""The state of a conversation's messages, runs and calls, as its events describe them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

OPEN = ("running", "waiting", "queued")  # statuses of a run that has not ended


class Row(NamedTuple):
    """An event as it was read: number, type and data."""

    seq: int
    type: str
    data: Mapping[str, Any]


Block = dict[str, Any]  # {"index", "kind", "text"} and for a tool call "name", "call_id"


@dataclass(slots=True)
class CallState:
    """One call of a tool. `block` is the index of its block, whose text are the arguments.

    `status` is waiting, approved or denied (about to run, or to be told so), running, or how it
    ended: ok, error, denied, cancelled or unknown. `ms` is how long it took. A `client` call is
    one that a client has to run.
    """

    id: str
    name: str
    block: int
    step: int
    status: str = "approved"
    decision: str | None = None
    device: dict[str, str] | None = None
    note: str | None = None
    progress: str | None = None
    result: str | None = None
    ms: int | None = None
    client: bool = False


@dataclass(slots=True)
class RunState:
    """One run: `message` is the id of its answer and `prompt` that of its prompt; `rank` orders the
    queue.
    """

    id: str
    message: str
    prompt: str
    model: str
    status: str = "queued"
    rank: int = 0
    attempt: int = 0
    stopping: bool = False
    stopped_by: dict[str, str] | None = None
    stop_reason: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    step: int = 0
    calls: dict[str, CallState] = field(default_factory=dict)
    into: str | None = None

    @property
    def steerable(self) -> bool:
        """Tells whether it has steps, between which a prompt may join it."""
        return self.model.startswith("agent:")

    @property
    def turn(self) -> tuple[bool, int]:
        """Sorts open runs: one that has begun keeps its turn."""
        return self.status == "queued" and self.attempt == 0, self.rank


@dataclass(slots=True)
class MessageState:
    """`parent` is the id of the message this one follows: of an answer, its prompt. None is the
    message before it, and "" a beginning. A prompt that joined a running answer stands `into` that
    run, before its block `at_block`.
    """

    id: str
    seq: int
    role: str
    blocks: list[Block] = field(default_factory=list)
    run: str | None = None
    device: dict[str, str] | None = None
    client_key: str | None = None
    parent: str | None = None
    into: str | None = None
    at_block: int | None = None
