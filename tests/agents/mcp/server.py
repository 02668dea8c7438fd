"""A real MCP server: `python server.py stdio`, or `python server.py http PORT`."""

from __future__ import annotations

import os
import sys

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

server = MCPServer("tests")
READS = ToolAnnotations(read_only_hint=True)


@server.tool(annotations=READS)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="write.file")
def write(path: str) -> str:
    """Write a file."""
    return f"written {path}"


@server.tool(annotations=READS)
def person() -> str:
    """Tells for whom the server runs, and in which process."""
    return f"{os.environ.get('PERSON', '')} {os.getpid()} {os.environ.get('SECRET_KEY', '')}"


@server.tool(annotations=READS)
def header(ctx: Context) -> str:
    """Tells whose token the request has."""
    return (ctx.headers or {}).get("authorization", "")


@server.tool(annotations=READS)
def breaks() -> str:
    raise ToolError("no luck today")


@server.tool(annotations=READS)
async def slow(ctx: Context) -> str:
    for part in range(3):
        await ctx.report_progress(part + 1, 3)
        await anyio.sleep(0.05)
    return "done"


@server.tool(annotations=READS)
def dies() -> str:
    os._exit(1)


@server.tool(annotations=READS)
async def grow(ctx: Context) -> str:
    """Bring a tool more."""
    server.add_tool(lambda: "new", name="grown", annotations=READS)
    await ctx.notify_tools_changed()
    return "grown"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", port=int(sys.argv[2]))
