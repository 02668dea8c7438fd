"""A conversation as a Markdown text, for people to keep."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext

from streams.conversation_list_query import name_of
from streams.conversation_snapshot import Snapshot
from streams.log.transcript import Block, RunState
from streams.providers.model_names import words_of

MARKS = re.compile(r"[\\`*_\[\]<>#]")
FENCE = re.compile(r"^`{3,}", re.MULTILINE)


def markdown_of(taken: Snapshot) -> str:
    """Returns prompts and answers in reading order, each under a heading; thoughts are left out."""
    return "\n\n".join(parts(taken)) + "\n"


def parts(taken: Snapshot) -> Iterator[str]:
    opening = next((text_of(it.blocks) for it in taken.transcript.messages), None)
    yield f"# {name_of(taken.conversation.title, opening)}"
    if taken.conversation.system:
        yield f"## {gettext('Instructions')}"
        yield taken.conversation.system
    for message in taken.transcript.messages:
        run = taken.transcript.runs[message.run] if message.run else None
        yield f"## {words_of(run.model) if run else gettext('You')}"
        yield from filter(None, map(shown, message.blocks))
        if run and (ending := ending_of(run)):
            yield f"*{ending}*"


def text_of(blocks: list[Block]) -> str:
    return "".join(block["text"] for block in blocks if block["kind"] == "text")


def shown(block: Block) -> str:
    if block["kind"] == "reasoning":
        return ""
    if block["kind"] == "attachment":
        return f"*{gettext('Attached')}: {escaped(block['name'])}*"
    text = str(block["text"]).strip("\n")
    if block["kind"] != "tool_call":
        return text
    longest = max((len(it) for it in FENCE.findall(text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{block.get('name', '')}\n{text}\n{fence}"


def escaped(name: str) -> str:
    """Returns a file's name without meaning to Markdown."""
    return MARKS.sub(r"\\\g<0>", name)


def ending_of(run: RunState) -> str:
    if run.status == "cancelled":
        return gettext("Stopped")
    return gettext(run.error["message"]) if run.error and run.error["message"] else ""
