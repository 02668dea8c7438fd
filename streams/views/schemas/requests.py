"""The JSON schemas of bodies and queries about conversations and their answers; see `responses`."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from .fields import (
    ClientKey,
    Count,
    Decided,
    Id,
    LongText,
    ModelName,
    OnBusy,
    PromptText,
    Role,
    Schema,
    Title,
)

Files = Annotated[list[Id], Schema(maxItems=10)]


class Nothing(TypedDict):
    """A body that has no fields."""


class EarlierMessage(TypedDict):
    role: Role
    content: PromptText


class NewConversation(TypedDict):
    content: NotRequired[PromptText]
    client_key: NotRequired[ClientKey]
    attachments: NotRequired[Files]
    messages: NotRequired[list[EarlierMessage]]
    title: NotRequired[Title]
    model: NotRequired[ModelName]
    system: NotRequired[LongText]
    on_busy: NotRequired[OnBusy]


class ConversationChange(TypedDict):
    title: NotRequired[Title]
    model: NotRequired[ModelName]
    system: NotRequired[LongText]
    on_busy: NotRequired[OnBusy]
    archived: NotRequired[bool]
    pinned: NotRequired[bool]


class Prompt(TypedDict):
    content: PromptText
    client_key: NotRequired[ClientKey]
    attachments: NotRequired[Files]
    parent: NotRequired[str]
    branch: NotRequired[str]


class EditedPrompt(TypedDict):
    content: NotRequired[PromptText]
    client_key: NotRequired[ClientKey]
    model: NotRequired[ModelName]
    attachments: NotRequired[Files]


class FileName(TypedDict, total=False):
    name: str


class ReadUpTo(TypedDict):
    seq: Count


class Presence(TypedDict):
    here: NotRequired[bool]
    typing: NotRequired[bool]


class Retry(TypedDict):
    model: NotRequired[ModelName]


class Decision(TypedDict):
    decision: Decided
    note: NotRequired[Annotated[str, Schema(maxLength=2000)]]
    result: NotRequired[LongText]


class Text(TypedDict):
    text: str
    ended: NotRequired[bool]


class ListQuery(TypedDict, total=False):
    before: str
    archived: bool


class PartQuery(TypedDict, total=False):
    limit: Count
    before_seq: Count
    branch: str


# `as` is a word of Python's
ExportQuery = TypedDict("ExportQuery", {"as": Literal["json", "markdown"]}, total=False)


class EventsQuery(TypedDict, total=False):
    after: Count


class ConversationEventsQuery(EventsQuery, total=False):
    feed: Literal["1"]
