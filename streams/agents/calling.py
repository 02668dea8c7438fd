"""Runs one call of a tool within its limits of time and length; a failure is a result too."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from inspect import isawaitable
from typing import Any, cast

import orjson

from ..conf import conf
from ..text_cleaning import clean
from .deadline import Late, within
from .errors import ToolError, need
from .progress import Progress
from .tool import Arguments, Tool, ToolResult
from .tool_context import Context
from .tool_threads import apart

logger = logging.getLogger(__name__)

FAILED = "The tool failed."
STOPPED = "The tool took longer than %g s and was stopped."
GOES_ON = "The tool took longer than %g s and does not stop: nobody knows whether it was done."


async def call(
    tool: Tool,
    context: Context,
    arguments: str,
    tell: Callable[[str], Awaitable[None]] | None = None,
) -> ToolResult:
    """Runs a tool with arguments that are JSON text, as a model wrote them.

    `tell` is awaited with notes of its progress. Raises nothing but CancelledError, and that only
    if the caller is cancelled: a failure is a result, with words of its own if it is a ToolError.
    """
    timeout = tool.timeout or conf().tool_seconds
    progress = Progress(tell)
    try:
        async with progress:
            given = parsed(tool, arguments)
            running = tool.run(replace(context, note=progress.note), given)
            return ToolResult("ok", bounded(text_of(await within(timeout, running))))
    except ToolError as error:
        return ToolResult("error", bounded(str(error) or FAILED))
    except Late as late:
        return ToolResult("error", (STOPPED if late.stopped else GOES_ON) % timeout)
    except Exception:
        return failed(tool)


def failed(tool: Tool) -> ToolResult:
    logger.exception("tool %s failed", tool.name)
    return ToolResult("error", FAILED)


async def needs_approval(tool: Tool, context: Context, arguments: str) -> bool:
    """Tells whether a person has to agree to this call. A call whose arguments are wrong needs no
    yes, since it does nothing; one whose function fails does.
    """
    if tool.approval in ("never", "always"):
        return tool.approval == "always"
    decide = cast(Callable[[Context, Arguments], Any], tool.approval)
    try:
        given = parsed(tool, arguments)
    except ToolError:
        return False
    try:
        timeout = tool.timeout or conf().tool_seconds
        return await within(timeout, decided(decide, context, given))
    except Exception:
        logger.exception("whether %s needs approval could not be told, so it does", tool.name)
        return True


async def decided(
    decide: Callable[[Context, Arguments], Any], context: Context, given: Arguments
) -> bool:
    made = await apart(decide, context=context, arguments=given)
    return bool(await made if isawaitable(made) else made)


def parsed(tool: Tool, arguments: str) -> Arguments:
    """Returns the arguments as the tool takes them. Raises ToolError."""
    most = conf().tool_arguments_bytes
    if len(arguments) > most or len(arguments.encode(errors="replace")) > most:
        raise ToolError(f"The arguments are longer than {most} bytes.")
    try:
        given = orjson.loads(arguments.strip() or "{}")
    except orjson.JSONDecodeError as error:
        raise ToolError(f"The arguments are no JSON: {error}.") from error
    if not isinstance(given, dict):
        raise ToolError("The arguments are no JSON object.")
    return tool.parse(given)


def text_of(made: object) -> str:
    """Returns a tool's result as a model is told it: text as it is, nothing as nothing, anything
    else as JSON.
    """
    if made is None:
        return ""
    if isinstance(made, str):
        return made
    return str(need("pydantic_core", "agents").to_json(made), "utf-8")


def bounded(text: str) -> str:
    """Cuts a result off at the setting `tool_result_bytes`, and says so in it."""
    most = conf().tool_result_bytes
    size = len(text.encode(errors="replace"))
    told = clean(text[:most])  # of fifty megabytes no more than that
    kept = shortened(told, most)
    if size <= most and kept == told:
        return told
    return f"{kept}\n[Cut off here: {size} bytes, of which these are {most}.]"


def shortened(text: str, most: int) -> str:
    """Returns as many whole characters as fit into so many bytes of UTF-8."""
    return text[:most].encode()[:most].decode(errors="ignore")
