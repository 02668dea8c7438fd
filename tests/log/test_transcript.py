"""A log that is twice as long takes twice as long to read."""

from __future__ import annotations

import pytest

from streams.log.transcript import Row, blocks_of, fold
from tests.complexity import growth, is_linear

PIECE = "word" * 100  # long ones: copying the text for each shows sooner
BEGINNING = (
    ("message.created", {"message": "p", "role": "user", "text": "Count"}),
    ("run.queued", {"run": "r", "message": "m", "prompt": "p", "model": "x"}),
    ("run.started", {"run": "r", "attempt": 1}),
    ("block.started", {"run": "r", "index": 0, "kind": "text"}),
)


def answered(pieces):
    piece = ("block.delta", {"run": "r", "index": 0, "text": PIECE})
    return [Row(n, *each) for n, each in enumerate([*BEGINNING, *[piece] * pieces], 1)]


@pytest.mark.parametrize("work", [fold, blocks_of])
def test_a_long_answer_takes_time_in_proportion(work):
    assert is_linear(growth(work, answered, 8000))
