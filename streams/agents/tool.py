"""A tool: what a model may call, run by this site, by an MCP server or by the client."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..providers.prompt import ToolSpec
from .tool_context import Context

Arguments = Mapping[str, Any]
Approval = Literal["never", "always"] | Callable[[Context, Arguments], bool | Awaitable[bool]]
Repeat = Literal["never", "safe"]

# What all of the APIs take.
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a call; `text` is what the model is told."""

    status: Literal["ok", "error"]
    text: str


class Tool(ABC):
    """Something that a model may call.

    `approval` says whether a person has to agree first: "never", "always", or a function of the
    context and the arguments. `repeat` says whether a call that was under way when its worker died
    may be run again: "safe", or "never". `timeout` is in seconds, None for the setting
    `tool_seconds`. A tool with `by_client` is run by the client, which sends the result.

    `title`, `running` and `done` are what people read of a call, with its arguments in braces:
    "Refund order {order}", "Refunding order {order}", "Refunded order {order}". Without `running`
    and `done` that is the title, and without a title the name in words. A site that speaks several
    languages gives lazily translated strings.
    """

    by_client = False

    def __init__(
        self,
        spec: ToolSpec,
        *,
        approval: Approval = "never",
        repeat: Repeat = "never",
        timeout: float | None = None,
        title: str = "",
        running: str = "",
        done: str = "",
    ) -> None:
        if not NAME.fullmatch(spec.name):
            raise TypeError(
                f"A tool cannot be called {spec.name!r}: at most 64 letters, digits, _ and -."
            )
        if approval not in ("never", "always") and not callable(approval):
            raise TypeError(f"approval of {spec.name} is never, always or a function.")
        if repeat not in ("never", "safe"):
            raise TypeError(f"repeat of {spec.name} is never or safe.")
        if timeout is not None and timeout <= 0:
            raise TypeError(f"timeout of {spec.name} is a number of seconds, above 0.")
        self.spec = spec
        self.approval = approval
        self.repeat = repeat
        self.timeout = timeout
        self.title, self.running, self.done = title, running, done

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        return self.spec.name

    @abstractmethod
    def parse(self, arguments: Arguments) -> Arguments:
        """Returns the arguments as `run` takes them. Raises ToolError, with words for the model."""

    @abstractmethod
    async def run(self, context: Context, arguments: Arguments) -> object:
        """Runs the tool; what it returns is text, or becomes JSON. Whatever it raises becomes an
        error result."""
