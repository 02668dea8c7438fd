"""Readable names in place of `provider:model` names: "Claude Sonnet 5.5 · Anthropic"."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from streams.conf import conf
from streams.providers.registry import entry_of

ACRONYMS = {"gpt", "glm", "ai"}
PARTS = re.compile(r"[-_:/\s]+")


def words_of(name: str) -> str:
    """Returns the model's name and where it runs, as the settings say, or else made of its id."""
    prefix, _, model = name.partition(":")
    options = conf().models.get(prefix, {})
    entry = entry_of(prefix)
    built_in = entry.names if entry else {}
    called = options.get("names", {}).get(model) or built_in.get(model) or readable(model)
    place = options.get("place") or gettext((entry.place if entry else "") or prefix)
    return f"{called} · {place}" if called else name


def readable(model: str) -> str:
    """Turns an id into words: `claude-sonnet-5-5` becomes Claude Sonnet 5.5."""
    words: list[str] = []
    for part in filter(None, PARTS.split(model)):
        if part.isdigit() and len(part) < 3 and words and words[-1].isdigit():
            words[-1] += f".{part}"
        else:
            words.append(part.upper() if part in ACRONYMS else part[:1].upper() + part[1:])
    return " ".join(words)
