"""The JSON schemas of bodies and answers about shared copies of conversations; see `responses`."""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict

from .fields import Count, Id, Place, Role


class Share(TypedDict):
    id: Id
    conversation: Id
    title: str
    link: Place
    messages: Count
    created_at: datetime


class Shares(TypedDict):
    shares: list[Share]


class NewShare(TypedDict):
    branch: NotRequired[str]


class SharedMessage(TypedDict):
    role: Role
    text: str
    at: datetime
    model: NotRequired[str]
    files: NotRequired[Count]


class SharedCopy(TypedDict):
    title: str
    messages: list[SharedMessage]
    created_at: datetime
    next: Count | None


# `from` is a word of Python's
SharedQuery = TypedDict("SharedQuery", {"from": Count}, total=False)
