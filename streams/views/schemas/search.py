"""The JSON schemas of what is searched for and found; see `responses`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypedDict

from .fields import Count, Id, Place, Role, Schema


class SearchQuery(TypedDict, total=False):
    q: Annotated[str, Schema(maxLength=200)]
    conversation: Id


class Result(TypedDict):
    conversation: Id
    url: Place
    name: str
    message: Id | None
    role: Role | None
    at: datetime
    before: str
    match: str
    after: str
    found: Count


class Results(TypedDict):
    results: list[Result]
