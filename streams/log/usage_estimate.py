"""Estimates the tokens of a model's call that was lost before it reported its usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CHARACTERS_A_TOKEN = 4  # of English text, in the vocabularies of today


def with_lost_call(
    usage: Mapping[str, int], prompt: str, shown: Sequence[Mapping[str, Any]]
) -> dict[str, int] | None:
    """Adds to what a run has used what a call took that has `shown` these blocks by now; None if it
    has shown nothing. What else the model was told is not known here: only the prompt counts.
    """
    said = sum(len(block["text"]) for block in shown)
    if not said:
        return None
    lost = {
        "input_tokens": len(prompt) // CHARACTERS_A_TOKEN + 1,
        "output_tokens": -(-said // CHARACTERS_A_TOKEN),
    }
    summed = {name: count + int(usage.get(name, 0)) for name, count in lost.items()}
    return {**usage, **summed, "estimated": True}
