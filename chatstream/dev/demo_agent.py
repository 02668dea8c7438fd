"""`agent:demo`: an agent without a key, whose tools touch one folder and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from django.conf import settings

from streams.agents import Agent, Context, ToolError, tool

LONGEST = 20_000  # characters of a file
PARTS = 9  # of one step, half a second each


@tool(
    repeat="safe", title="List the files", running="Listing the files", done="Listed the files"
)  # fmt: skip
def list_files() -> list[str]:
    """List the names of all files."""
    return sorted(path.name for path in folder().iterdir() if path.is_file())


@tool(repeat="safe", title="Read {name}", running="Reading {name}", done="Read {name}")
def read_file(name: str) -> str:
    """Read a file."""
    try:
        return place(name).read_text(errors="replace")[:LONGEST]
    except OSError as error:
        raise ToolError(f"{name} cannot be read: {error.strerror}.") from error


@tool(approval="always", title="Write {name}", running="Writing {name}", done="Wrote {name}")
def write_file(name: str, text: str) -> str:
    """Write a file, over what is in it."""
    if len(text) > LONGEST:
        raise ToolError(f"A file has at most {LONGEST} characters.")
    try:
        place(name).write_text(text)
    except OSError as error:
        raise ToolError(f"{name} cannot be written: {error.strerror}.") from error
    return f"Wrote {len(text)} characters."


@tool(
    repeat="safe", title="Step {number}: {what}", running="Step {number}: {what}",
    done="Step {number}: {what}",
)  # fmt: skip
async def do_step(context: Context, number: int, what: str) -> str:
    """Work for a few seconds."""
    for part in range(PARTS):
        context.progress(f"{100 * part // PARTS} %")
        await asyncio.sleep(0.5)
    return f"Done: {what}."


def folder() -> Path:
    return Path(settings.DEMO_FOLDER)


def place(name: str) -> Path:
    """Returns the file of this name in the folder. Raises ToolError for any other place."""
    path = folder() / name
    within = Path(name).name == name and not name.startswith(".") and "\0" not in name
    if not within or path.is_symlink():
        raise ToolError("A file's name has no folder in it, and begins with no dot.")
    return path


demo = Agent(
    model="demo-agent:script",
    instructions="Read before you write.",
    tools=[list_files, read_file, write_file, do_step],
)
