"""Describes a tool's call in words for people: "Looking up order 41 …", "Refunded order 41"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from django.utils.module_loading import import_string

from .conf import conf

PLACE = re.compile(r"\{(\w+)\}")
LONGEST = 60  # characters of an argument inside a sentence


@dataclass(frozen=True, slots=True)
class ToolWords:
    """Sentences about a call: of what it does, while it does, and once it is done. An argument's
    name in braces stands for its value.
    """

    title: str
    running: str
    done: str

    def of(self, status: str) -> str:
        """Returns the sentence for a call's status; without one the call is still being written.
        `static/streams/js/call_sentences.js` has the same rules.
        """
        if status in ("", "approved", "running"):
            return self.running
        return self.done if status == "ok" else self.title


def words_of(model: str, name: str) -> ToolWords:
    """Returns the words for a tool of an agent; any other tool goes by its name."""
    known = by_name(model).get(name)
    return known or ToolWords(*[readable(name)] * 3)


def by_name(model: str) -> dict[str, ToolWords]:
    """Returns the words of an agent's own tools that have any, by the tools' names; of a model that
    is no agent, or whose agent cannot be imported, none.
    """
    prefix, _, agent = model.partition(":")
    path = conf().agents.get(agent) if prefix == "agent" else None
    try:
        tools = import_string(path).tools if path else ()
    except Exception:  # what is wrong with it, `check` says
        return {}
    return {tool.name: told(tool) for tool in tools if tool.title or tool.running or tool.done}


def told(tool: object) -> ToolWords:
    title = str(getattr(tool, "title", "")) or readable(str(getattr(tool, "name", "")))
    running, done = (str(getattr(tool, name, "")) or title for name in ("running", "done"))
    return ToolWords(title, running, done)


def for_scripts(models: Iterable[str]) -> dict[str, dict[str, Mapping[str, str]]]:
    """Returns the words of the tools of those models that are agents."""
    found = {model: by_name(model) for model in models}
    return {
        model: {name: asdict(words) for name, words in tools.items()}
        for model, tools in found.items()
        if tools
    }


def readable(name: str) -> str:
    """Turns a tool's name into words: `find_orders` becomes "Find orders"."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = re.sub(r"[_\-.\s]+", " ", spaced).strip()
    return words[:1].upper() + words[1:]


def filled(sentence: str, fields: Iterable[tuple[str, str]] | None, name: str) -> str:
    """Fills a call's arguments in; where one is missing the call goes by the tool's `name`."""
    values = dict(fields or ())
    if any(place not in values for place in PLACE.findall(sentence)):
        return readable(name)
    return PLACE.sub(lambda place: short(values[place[1]]), sentence)


def short(value: str) -> str:
    line = " ".join(value[: 4 * LONGEST].split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
