"""Folds the steps of a long answer away: "Worked for 4 min · 12 steps".

`static/streams/js/work_fold.js` has the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.log.transcript import OPEN, RunState

from .call_presenter import worked_words

if TYPE_CHECKING:
    from .transcript_presenter import Shown, Turn

FEW = 2  # so many steps with calls stay in view
NEWEST = 3  # as do so many while the run goes on


@dataclass(slots=True)
class Fold:
    """Blocks behind one line; open where it holds a call of which nobody knows the end."""

    blocks: list[Shown] = field(default_factory=list)
    words: str = ""
    open: bool = False


@dataclass(slots=True)
class Part:
    """A part of an answer: a block, blocks behind a fold, or a prompt that joined it."""

    shown: Shown | None = None
    fold: Fold | None = None
    joined: Turn | None = None


def parts_of(
    run: RunState, blocks: Sequence[Shown], joined: Sequence[Turn], seconds: float
) -> list[Part]:
    """Returns the parts of an answer in order; prompts that joined it are never folded away."""
    parts: list[Part] = []
    end = folded_before(run)
    for each in merged(blocks, joined):
        if isinstance(each, Part):
            parts.append(each)
        elif each.block["index"] >= end:
            parts.append(Part(shown=each))
        else:
            if not (parts and parts[-1].fold):
                parts.append(Part(fold=Fold()))
            fold = parts[-1].fold
            assert fold is not None
            fold.blocks.append(each)
    folds = [part.fold for part in parts if part.fold]
    for fold in folds:
        say(fold, run, seconds if len(folds) == 1 and run.status not in OPEN else 0.0)
    return parts


def merged(blocks: Sequence[Shown], joined: Sequence[Turn]) -> Iterator[Shown | Part]:
    """Yields blocks, and the prompts each before the block at which it joined."""
    waiting = list(joined)
    for each in blocks:
        while waiting and (waiting[0].message.at_block or 0) <= each.block["index"]:
            yield Part(joined=waiting.pop(0))
        yield each
    for turn in waiting:
        yield Part(joined=turn)


def folded_before(run: RunState) -> int:
    """Returns the index of the first block that is not folded away."""
    steps = sorted({call.step for call in run.calls.values()})
    if len(steps) <= FEW:
        return 0
    folded = steps[:-NEWEST] if run.status in OPEN else steps
    return max((call.block + 1 for call in run.calls.values() if call.step in folded), default=0)


def say(fold: Fold, run: RunState, seconds: float) -> None:
    within = {shown.block["index"] for shown in fold.blocks}
    calls = [call for call in run.calls.values() if call.block in within]
    fold.words = worked_words(seconds, len({call.step for call in calls}))
    fold.open = any(call.status == "unknown" for call in calls)
