"""What a model is told: turns made of typed parts, and the tools that it may call."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it; `parameters` is the JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """A text within a turn."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A model's call of a tool: `call_id` is the vendor's, `arguments` is JSON text."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Result:
    """The result of the call with this id; every call has exactly one."""

    call_id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file that a user sent with what they said: an image or a PDF, by its `type`.

    `data` is its content. What a model cannot take never comes as a File, and text comes as Text.
    """

    id: str
    name: str
    type: str
    size: int
    width: int = 0  # of an image, in pixels
    height: int = 0
    data: bytes = field(default=b"", repr=False)

    @property
    def is_image(self) -> bool:
        return self.type.startswith("image/")

    @property
    def tokens(self) -> int:
        """Estimates what it costs: models count an image by its area, as far as they look closely,
        and a PDF's pages as text and images."""
        if self.type.startswith("text/"):
            return self.size // 4
        if self.is_image:
            return max(85, min(1600, self.width * self.height // 750))
        return max(1500, self.size // 30)

    @property
    def base64(self) -> str:
        return b64encode(self.data).decode()

    @property
    def data_url(self) -> str:
        return f"data:{self.type};base64,{self.base64}"


Part = Text | Call | Result | File


@dataclass(frozen=True, slots=True)
class Replay:
    """A vendor's opaque items of one answer, verbatim, such as signed or encrypted reasoning.

    Only the same model of the same provider may be sent them again: there it refuses tool calls
    without them, and another would refuse them.
    """

    provider: str
    model: str
    items: Sequence[Mapping[str, Any]]

    def belongs_to(self, provider: str, model: str) -> bool:
        return (self.provider, self.model) == (provider, model)


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier message as the model is to see it.

    A user's turn is made of Results, one for each Call of the turn before, then Files and Text; an
    assistant's of Text and Calls.
    """

    role: Role
    parts: tuple[Part, ...]
    replay: Replay | None = None

    @classmethod
    def of(cls, role: Role, text: str) -> Turn:
        """Returns a turn of nothing but this text."""
        return cls(role, (Text(text),))

    @property
    def text(self) -> str:
        """Returns what was said, without calls and results."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a provider needs for one answer.

    The roles of `turns` alternate, beginning and ending with the user's; none is blank. `upstream`
    is the id of an Upstream event that came before: that answer is continued.
    """

    model: str
    turns: Sequence[Turn]
    system: str = ""
    max_tokens: int = 8192  # thoughts included
    tools: Sequence[ToolSpec] = ()
    upstream: str = ""
