"""Types of the fields in JSON shapes, with what JSON Schema adds to each."""

from __future__ import annotations

from typing import Annotated, Literal


class Schema:
    """What JSON Schema knows of a value beyond its type in Python."""

    def __init__(self, **words: str | int) -> None:
        self.words = words


Id = Annotated[str, Schema(format="uuid")]
Place = Annotated[str, Schema(format="uri-reference")]
Count = Annotated[int, Schema(minimum=0, maximum=2**63 - 1)]
Title = Annotated[str, Schema(maxLength=120)]
ModelName = Annotated[str, Schema(maxLength=120)]
ClientKey = Annotated[str, Schema(maxLength=64)]
LongText = Annotated[str, Schema(maxLength=100_000)]
PromptText = Annotated[str, Schema(maxLength=100_000, pattern=r"\S")]

OnBusy = Literal["queue", "interrupt", "reject", "steer"]
Role = Literal["user", "assistant"]
RunStatus = Literal[
    "queued", "running", "waiting", "completed", "failed", "cancelled", "steered"
]  # fmt: skip
CallStatus = Literal[
    "waiting", "approved", "running", "ok", "error", "denied", "cancelled", "unknown"
]  # fmt: skip
Decided = Literal["approved", "denied", "answered"]
DeviceKind = Literal["phone", "tablet", "computer", "other", "api"]
