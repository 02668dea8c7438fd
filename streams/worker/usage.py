"""Adds up the tokens that a run has used over its steps; estimates them where no service said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..log.usage_estimate import CHARACTERS_A_TOKEN
from ..providers.base import Call, File, Part, Prompt

Usage = dict[str, int]


def summed(parts: Iterable[Mapping[str, int]]) -> Usage:
    """Adds token counts up. The sum is marked `estimated` if a part is."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update({name: count for name, count in part.items() if name != "estimated"})
    usage = dict(total)
    return usage | {"estimated": True} if any(part.get("estimated") for part in parts) else usage


def estimated(prompt: Prompt, said: int) -> Usage:
    """Estimates the tokens of a model call: those of its prompt, and of `said` characters."""
    told = len(prompt.system) + sum(length(part) for turn in prompt.turns for part in turn.parts)
    return {
        "input_tokens": told // CHARACTERS_A_TOKEN + 1,
        "output_tokens": -(-said // CHARACTERS_A_TOKEN),
        "estimated": True,
    }


def length(part: Part) -> int:
    if isinstance(part, File):
        return part.tokens * CHARACTERS_A_TOKEN
    return len(part.arguments) if isinstance(part, Call) else len(part.text)
