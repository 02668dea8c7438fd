"""One connection to one MCP server, in a task of its own, which opens and closes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from ..errors import ToolError, need
from .mcp_tool import McpTool, Progress

logger = logging.getLogger(__name__)

CONNECT = 20.0  # seconds for a server to start and to say what it has
CLOSE = 5.0
IDLE = 600.0  # seconds without a call, after which a server is left
RETRY = 3.0  # seconds until a server that did not start is tried again
MOST_TOOLS = 500
PERSON = "{user}"  # in a server's settings: the key of the person it runs for

# A server that answers with one of these is there.
ALIVE = range(-32799, -32100)


class Connection:
    """A connection for one person, or for all where the server is shared.

    `gone` tells that it cannot be used any more. Not for use across event loops.
    """

    def __init__(self, name: str, options: Mapping[str, Any], person: str) -> None:
        need("mcp", "mcp")
        self.name = name
        self.options = personal(options, person)
        self.timeout = float(options.get("timeout", 60.0))
        self.gone = False
        self.calls = 0
        self._client: Any = None
        self._tools: Sequence[McpTool] | None = None
        self._changes = 0
        self._not_before = 0.0
        self._listing = asyncio.Lock()
        self._leave = asyncio.Event()
        self.used = asyncio.get_running_loop().time()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())

    @property
    def is_idle(self) -> bool:
        return not self.calls and asyncio.get_running_loop().time() - self.used > IDLE

    @property
    def waits(self) -> bool:
        """Tells whether the server did not start just now, so that it is not tried again yet."""
        return asyncio.get_running_loop().time() < self._not_before

    async def tools(self) -> Sequence[McpTool]:
        """Returns the server's tools, asked for again after it said that they have changed. Raises
        ToolError if it cannot be reached.
        """
        async with self._listing:
            if self._tools is not None:
                return self._tools
            changes = self._changes
            async with self._using() as client, asyncio.timeout(CONNECT):
                listed = [each async for each in pages(client)]
            # Outside: a fault of one tool is none of the connection.
            found = [tool for each in listed if (tool := self._made(each))]
            if self._changes == changes:  # or they are asked for again
                self._tools = found
            return found

    async def call(self, tool: str, arguments: dict[str, Any], progress: Progress) -> Any:
        """Returns the SDK's result. Raises ToolError if the server is gone, or refuses the call."""
        async with self._using() as client:
            return await client.call_tool(tool, arguments, progress_callback=progress)

    async def aclose(self) -> None:
        """Ends the connection, and the server's process if it has one."""
        self.gone = True
        self._leave.set()
        done, _ = await asyncio.wait({self._task}, timeout=CLOSE)
        if not done:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSE)

    def leave(self) -> None:
        """Asks for the end, without waiting for it."""
        self.gone = True
        self._leave.set()

    def _made(self, listed: Any) -> McpTool | None:
        """Returns None for a tool that is left out, since models would refuse all of them."""
        approval = str(self.options.get("approval", ""))
        try:
            return McpTool(self.name, listed, self.call, approval=approval, timeout=self.timeout)
        except ValueError as error:
            told = "MCP server %s: %.100r is left out: its schema %s"
            logger.warning(told, self.name, listed.name, error)
            return None

    @asynccontextmanager
    async def _using(self) -> AsyncIterator[Any]:
        """Yields the client. What fails in it other than by the server's own word is the end of
        the connection; the next call makes a new one.
        """
        errors = need("mcp.shared.exceptions", "mcp")
        self.calls += 1
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), CONNECT)
            if self._client is None:
                raise ToolError(f"The server of this tool, {self.name}, has stopped.")
            yield self._client
        except (ToolError, asyncio.CancelledError):
            raise
        except errors.MCPError as error:
            if error.error.code not in ALIVE:
                self._lost(error)
            raise ToolError(f"{self.name}: {error.error.message}") from error
        except Exception as error:
            self._lost(error)
            raise ToolError(f"The server of this tool, {self.name}, cannot be reached.") from error
        finally:
            self.calls -= 1
            self.used = asyncio.get_running_loop().time()

    def _lost(self, error: Exception) -> None:
        logger.warning("MCP server %s is lost: %s", self.name, type(error).__name__)
        self.leave()

    async def _run(self) -> None:
        try:
            async with self._opened() as client:
                self._client = client
                self._ready.set_result(None)
                listening = asyncio.create_task(self._listen(client))
                try:
                    await self._leave.wait()
                finally:
                    listening.cancel()
                    await asyncio.wait({listening})
        except BaseException as error:
            logger.warning("MCP server %s: %s", self.name, described(error))
            if not self._ready.done():
                self._not_before = asyncio.get_running_loop().time() + RETRY
                failed = ToolError(f"The server of this tool, {self.name}, does not start.")
                self._ready.set_exception(failed)
                self._ready.exception()  # or it is logged again where nobody had asked
        finally:
            self._client = None
            self.gone = True

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Any]:
        mcp, options = need("mcp", "mcp"), self.options
        common = {"read_timeout_seconds": self.timeout, "message_handler": self._heard}
        if command := options.get("command"):
            given = {"args": list(options.get("args", [])), "env": dict(options.get("env", {}))}
            server = mcp.StdioServerParameters(
                command=command, cwd=options.get("cwd") or None, **given
            )
            async with mcp.Client(server, **common) as client:
                yield client
            return
        httpx = need("httpx2", "mcp")
        streamable = need("mcp.client.streamable_http", "mcp")
        timeout = httpx.Timeout(CONNECT, read=self.timeout)
        headers = dict(options.get("headers", {}))
        async with httpx.AsyncClient(headers=headers, timeout=timeout) as http:
            transport = streamable.streamable_http_client(options["url"], http_client=http)
            async with mcp.Client(transport, **common) as client:
                yield client

    async def _heard(self, message: Any) -> None:
        """Forgets the tools when an older server says that they have changed."""
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._forget()

    def _forget(self) -> None:
        self._tools = None
        self._changes += 1

    async def _listen(self, client: Any) -> None:
        """Forgets the tools whenever a newer server says that they have changed."""
        subscriptions = need("mcp.client.subscriptions", "mcp")
        with suppress(subscriptions.ListenNotSupportedError):
            while True:
                try:
                    async with client.listen(tools_list_changed=True) as changes:
                        self._forget()  # they may have changed before
                        async for _ in changes:
                            self._forget()
                except subscriptions.ListenNotSupportedError:
                    raise
                except Exception as error:
                    logger.info("MCP server %s: %s", self.name, described(error))
                await asyncio.sleep(CLOSE)


async def pages(client: Any) -> AsyncIterator[Any]:
    """Yields the tools of all pages of a server's list, at most MOST_TOOLS."""
    cursor, left = None, MOST_TOOLS
    while left:
        listed = await client.list_tools(cursor=cursor, cache_mode="bypass")
        for tool in listed.tools[:left]:
            yield tool
        left -= len(listed.tools[:left])
        cursor = listed.next_cursor
        if not cursor or not listed.tools:
            return


def personal(options: Mapping[str, Any], person: str) -> Mapping[str, Any]:
    """Returns a server's settings with the person's key in place of `{user}`."""

    def put(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(PERSON, person)
        if isinstance(value, Mapping):
            return {name: put(each) for name, each in value.items()}
        return [put(each) for each in value] if isinstance(value, list | tuple) else value

    return {name: put(value) for name, value in options.items()}


def described(error: BaseException) -> str:
    """Names an error's class and those within it, without words that may hold secrets."""
    within = getattr(error, "exceptions", ())
    inner = f" ({', '.join(described(each) for each in within)})" if within else ""
    return type(error).__name__ + inner
