"""What bodies and answers are made of, as JSON: for type checkers, and for the description of the
API that `docs/openapi.py` writes. What each field means is said in docs/reference/http.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from .fields import CallStatus, Count, Decided, Id, OnBusy, Place, Role, RunStatus


class Mark(TypedDict):
    id: Id
    name: str


class Conversation(TypedDict):
    id: Id
    url: Place
    title: str
    model: str
    system: str
    on_busy: OnBusy
    archived: bool
    pinned: bool
    created_at: datetime
    updated_at: datetime
    head: Count


class Entry(TypedDict):
    id: Id
    url: Place
    title: str
    name: str
    model: str
    updated_at: datetime
    day: str
    running: bool
    queued: bool
    waiting: bool
    unread: bool
    failed: bool
    archived: bool
    pinned: bool


class Entries(TypedDict):
    conversations: list[Entry]
    next: str | None


class Block(TypedDict):
    index: Count
    kind: Literal["text", "reasoning", "refusal", "tool_call", "attachment"]
    text: str
    name: NotRequired[str]
    call_id: NotRequired[str]
    result: NotRequired[str]
    id: NotRequired[Id]
    type: NotRequired[str]
    size: NotRequired[Count]
    width: NotRequired[Count]
    height: NotRequired[Count]


class Message(TypedDict):
    id: Id
    seq: Count
    role: Role
    blocks: list[Block]
    run: Id | None
    device: Mark | None
    client_key: str | None
    parent: str | None
    into: Id | None
    at_block: Count | None


class Failure(TypedDict):
    code: str
    message: str
    retryable: bool


class AnswerCall(TypedDict):
    id: Id
    name: str
    block: Count
    step: Count
    status: CallStatus
    decision: Decided | None
    device: Mark | None
    note: str | None
    progress: str | None
    result: str | None
    ms: Count | None
    client: bool


class Answer(TypedDict):
    id: Id
    message: Id
    prompt: Id
    model: str
    status: RunStatus
    rank: int
    ahead: Count
    attempt: Count
    stopping: bool
    stopped_by: Mark | None
    stop_reason: str
    usage: dict[str, Any]
    error: Failure | None
    step: int
    calls: dict[str, AnswerCall]
    into: Id | None


class WholeConversation(Conversation):
    messages: list[Message]
    runs: list[Answer]
    begins: NotRequired[Count | None]
    ends: NotRequired[bool]


class DatedMessage(Message):
    created_at: datetime | None


class Export(Conversation):
    messages: list[DatedMessage]
    runs: list[Answer]


class Call(TypedDict):
    id: Id
    url: Place
    run: Id
    call_id: str
    step: Count
    block: Count
    name: str
    arguments: str
    client: bool
    status: CallStatus
    decision: Decided | None
    device: Mark | None
    note: str | None
    result: str | None
    ms: Count | None


class Run(TypedDict):
    id: Id
    url: Place
    conversation: Id
    prompt: Id
    message: Id
    model: str
    status: RunStatus
    ahead: Count
    worker: Literal["alive", "lost", "none"] | None
    attempt: Count
    step: int
    into: Id | None
    calls: list[Call]
    stopping: bool
    stopped_by: Mark | None
    queued_at: datetime
    started_at: datetime | None
    first_token_at: datetime | None
    ended_at: datetime | None
    stop_reason: str
    usage: dict[str, Any]
    error: Failure | None


class PostedMessage(TypedDict):
    id: Id
    seq: Count


class PostedRun(TypedDict):
    id: Id
    status: RunStatus


class Posted(TypedDict):
    message: PostedMessage
    run: PostedRun


class AskedAgain(Posted):
    answer: Id


class Begun(Conversation):
    message: NotRequired[PostedMessage]
    run: NotRequired[PostedRun]


class Attachment(TypedDict):
    id: Id
    name: str
    type: str
    size: Count
    width: NotRequired[Count]
    height: NotRequired[Count]
    url: Place
    conversation: Id | None


class ReadMark(TypedDict):
    seq: Count


class Formatted(TypedDict):
    closed: str
    length: Count
    open: str
    seen: Count
    fenced: bool


class Error(TypedDict):
    code: str
    message: str
    field: NotRequired[str]


class Refusal(TypedDict):
    error: Error
