"""Tools that a client has brought along with its prompt, and runs itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..providers.prompt import ToolSpec
from .errors import ToolError
from .tool import Arguments, Tool
from .tool_context import Context

NOT_HERE = "The client runs this tool."


class PostedTool(Tool):
    """A tool of a client's. The run waits until the client has posted the result of a call."""

    by_client = True

    def parse(self, arguments: Arguments) -> Arguments:
        return arguments

    async def run(self, context: Context, arguments: Arguments) -> object:
        raise ToolError(NOT_HERE)


def posted_tools(kept: Iterable[Mapping[str, Any]]) -> dict[str, Tool]:
    """Returns the tools by name that a run keeps in its `asked`: each with name, description, and
    parameters as JSON Schema."""
    return {
        each["name"]: PostedTool(ToolSpec(each["name"], each["description"], each["parameters"]))
        for each in kept
    }
