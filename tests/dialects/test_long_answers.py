"""An answer that is twice as long takes twice as long to say in other protocols."""

from __future__ import annotations

import pytest

from streams.dialects.ai_sdk.encoder import UIMessageStream
from streams.dialects.openai_chat.encoder import Completion, PieceEncoder
from streams.dialects.openai_chat.encoder import WholeEncoder as WholeCompletion
from streams.dialects.openai_responses.encoder import Encoder
from streams.dialects.openai_responses.response import Response
from streams.log.transcript import Row
from tests.complexity import growth, is_linear

RUN = "00000000-0000-4000-8000-000000000001"
PIECE = "word" * 100  # long ones: copying the text for each shows sooner
MOST = 8000
ENCODERS = {
    "a response": lambda: Encoder(Response(RUN, "m", RUN, 1)),
    "a completion that comes whole": lambda: WholeCompletion(Completion(RUN, "m", 1)),
    "a completion in pieces": lambda: PieceEncoder(Completion(RUN, "m", 1), usage=False),
    "a UI message": lambda: UIMessageStream("m"),
}
BLOCKS = {
    "text": {"index": 0, "kind": "text"},
    "a call": {"index": 0, "kind": "tool_call", "name": "weather", "call_id": "call_1"},
}


def answered(block):
    def make(pieces):
        rows = [Row(1, "run.started", {"attempt": 1}), Row(2, "block.started", block)]
        rows += [Row(n, "block.delta", {"index": 0, "text": PIECE}) for n in range(3, pieces + 3)]
        end = Row(pieces + 4, "run.completed", {"stop_reason": "end_turn", "usage": {}})
        return [*rows, Row(pieces + 3, "block.ended", {"index": 0}), end]

    return make


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
def test_an_answer_takes_time_in_proportion(encoder, block):
    def said(rows):
        encoding = encoder()
        encoding.begin()
        for row in rows:
            encoding.event(row)

    assert is_linear(growth(said, answered(block), MOST))
