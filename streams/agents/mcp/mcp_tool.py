"""One tool of an MCP server."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import orjson

from ...providers.prompt import ToolSpec
from ...text_cleaning import clean
from .. import input_schema
from ..errors import ToolError
from ..tool import Approval, Arguments, Tool
from ..tool_context import Context

DESCRIPTION = 10_000  # characters of a description that models are told
SCHEMA = 50_000  # bytes of a schema, which is told with each request
LONGEST = 64
UNUSUAL = re.compile(r"[^A-Za-z0-9_-]")
MARKED = re.compile(r"_[0-9a-f]{8}\Z")

Progress = Callable[[float, float | None, str | None], Awaitable[None]]
#: Calls the tool of this name with arguments; returns the SDK's CallToolResult.
Caller = Callable[[str, dict[str, Any], Progress], Awaitable[Any]]


class McpTool(Tool):
    """A tool as its server describes it. Unless it is said to only read, a person has to agree to
    each call, and none is repeated.

    Raises ValueError for a schema that models cannot be told.
    """

    def __init__(
        self, server: str, listed: Any, caller: Caller, *, approval: str, timeout: float
    ) -> None:
        reads = bool(listed.annotations and listed.annotations.read_only_hint)
        self.listed_name: str = listed.name
        self.caller = caller
        asked: Approval = "never" if reads else "always"
        if approval in ("never", "always"):
            asked = "never" if approval == "never" else "always"
        described = clean(listed.description or "")[:DESCRIPTION]
        super().__init__(
            ToolSpec(name_of(server, listed.name), described, told_schema(listed)),
            approval=asked,
            repeat="safe" if reads else "never",
            timeout=timeout,
        )

    def parse(self, arguments: Arguments) -> Arguments:
        """Returns the arguments unchanged: the server checks them."""
        return arguments

    async def run(self, context: Context, arguments: Arguments) -> object:
        async def progress(done: float, total: float | None, message: str | None) -> None:
            context.progress(message or (f"{done:g} / {total:g}" if total else f"{done:g}"))

        result = await self.caller(self.listed_name, dict(arguments), progress)
        told = text_of(result)
        if result.is_error:
            raise ToolError(told or "The tool failed.")
        return told


def told_schema(listed: Any) -> dict[str, Any]:
    """Returns a tool's schema as models are told of it. Raises ValueError for one with which they
    would refuse all tools, or which is without an end.
    """
    text = input_schema.written(listed.input_schema)
    if len(text) > SCHEMA:
        raise ValueError(f"is longer than {SCHEMA:,} bytes")
    return input_schema.told(orjson.loads(text))


def name_of(server: str, tool: str) -> str:
    """Returns a name that every model's API takes, with the server's before the tool's. No two
    tools have the same: where it would not tell where the server's ends, or ends as if it had a
    mark, a mark does.
    """
    whole = f"{server}__{tool}"
    name = UNUSUAL.sub("_", whole)
    apart = "__" not in server and not server.endswith("_")
    if apart and name == whole and len(name) <= LONGEST and not MARKED.search(name):
        return name
    mark = sha256(f"{server}\0{tool}".encode(errors="replace")).hexdigest()[:8]
    return f"{name[: LONGEST - len(mark) - 1]}_{mark}"


def text_of(result: Any) -> str:
    """Returns a result's text, with the kind in the place of a block that is no text. Structured
    content is used only where the result has no other.
    """
    said = [block_text(block) for block in result.content]
    if not said and result.structured_content is not None:
        return orjson.dumps(result.structured_content).decode()
    return "\n".join(said)


def block_text(block: Any) -> str:
    if block.type == "text":
        return str(block.text)
    resource = getattr(block, "resource", None)
    if resource is not None and getattr(resource, "text", None) is not None:
        return str(resource.text)
    kind = getattr(block, "mime_type", None) or getattr(resource, "mime_type", None)
    where = getattr(block, "uri", None) or getattr(resource, "uri", None)
    return " ".join(filter(None, ("[", block.type, kind, where and str(where), "]")))
