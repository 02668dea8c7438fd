"""What a delta is in each protocol, byte for byte: its frame is put together of ends made once."""

from __future__ import annotations

from types import SimpleNamespace

import orjson
import pytest

from streams.dialects.ag_ui.encoder import AGUIStream
from streams.dialects.ai_sdk.encoder import UIMessageStream
from streams.dialects.openai_chat.encoder import Completion, PieceEncoder
from streams.dialects.openai_responses.encoder import Encoder
from streams.dialects.openai_responses.response import Response
from streams.log import OneRun, StoredEvent, dumps
from streams.log.transcript import Row
from streams.realtime.event_buffer import MOST_PARSED, EventBuffer
from streams.realtime.translated_run import TranslatedSubscription

HEX = "00000000000040008000000000000001"
RUN = "00000000-0000-4000-8000-000000000001"
# Texts that look like the places where a frame is taken apart, and a model's name that does.
TEXT = '"delta":""%d\\ \n\u2028é😀</script>'
MODEL = 'm"delta":{"content":""'
SAID = '"\\"delta\\":\\"\\"%d\\\\ \\n\u2028é😀</script>"'.encode()
CHAT = (
    b'data: {"id":"chatcmpl-' + HEX.encode() + b'","object":"chat.completion.chunk","created":1,'
    b'"model":"m\\"delta\\":{\\"content\\":\\"\\"","choices":[{"index":0,"delta":{"%s":%s},'
    b'"logprobs":null,"finish_reason":null}],"system_fingerprint":null%s}\n\n'
)
RESPONSES = (
    b'event: response.%s.delta\ndata: {"type":"response.%s.delta","item_id":"%s_'
    + HEX.encode()
    + b'_2","output_index":0%s,"delta":%s%s,"sequence_number":%d}\n\n'
)
UI = b'data: {"type":"%s-delta","id":"1-0","delta":%s}\n\n'


def rows(kind):
    opened = {"index": 0, "kind": kind, "name": "w", "call_id": "c"}
    yield Row(1, "run.started", {"attempt": 1})
    yield Row(2, "block.started", opened)
    yield Row(3, "block.delta", {"index": 0, "text": "So"})
    yield Row(4, "block.delta", {"index": 0, "text": ""})
    yield Row(5, "block.delta", {"index": 0, "text": TEXT})


def last(encoder, kind):
    """Returns the last delta's frame."""
    encoder.begin()
    *_, frame = map(encoder.event, rows(kind))
    return frame


@pytest.mark.parametrize(("kind", "field"), [("text", b"content"), ("refusal", b"refusal")])
@pytest.mark.parametrize(("usage", "more"), [(False, b""), (True, b',"usage":null')])
def test_a_piece_of_a_completion(kind, field, usage, more):
    encoder = PieceEncoder(Completion(RUN, MODEL, 1), usage)
    assert last(encoder, kind) == CHAT % (field, SAID, more)


@pytest.mark.parametrize(
    ("kind", "word", "id", "place", "more", "number"),
    [
        ("text", b"output_text", b"msg", b',"content_index":0', b',"logprobs":[]', 5),
        ("refusal", b"refusal", b"msg", b',"content_index":0', b"", 5),
        ("reasoning", b"reasoning_summary_text", b"rs", b',"summary_index":0', b"", 5),
        ("tool_call", b"function_call_arguments", b"fc", b"", b"", 4),
    ],
)
def test_a_delta_of_a_response(kind, word, id, place, more, number):
    encoder = Encoder(Response(RUN, MODEL, RUN, 1))
    assert last(encoder, kind) == RESPONSES % (word, word, id, place, SAID, more, number)


@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_a_delta_of_a_ui_message(kind):
    assert last(UIMessageStream("m"), kind) == UI % (kind.encode(), SAID)


def test_a_delta_of_ag_ui():
    encoder = AGUIStream(thread_id="t", run_id="r", message_id="m")
    told = b'{"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":%s}' % SAID
    assert last(encoder, "text") == b"id: 5.0\ndata: %s\n\n" % told


def test_a_block_that_is_not_said_ends_one_of_the_same_number():
    encoder = PieceEncoder(Completion(RUN, MODEL, 1), usage=False)
    encoder.event(Row(1, "block.started", {"index": 0, "kind": "text"}))
    encoder.event(Row(2, "block.started", {"index": 0, "kind": "reasoning"}))
    assert encoder.event(Row(3, "block.delta", {"index": 0, "text": "Hm"})) == b""


def stored(*seqs, run=7):
    told = orjson.dumps({"index": 0, "text": TEXT}).decode()
    return [StoredEvent(seq, run, "block.delta", told) for seq in seqs]


def test_readers_at_one_cursor_share_what_was_parsed_until_more_comes():
    buffer = EventBuffer(1, 0, 10_000, 10**6)
    buffer.extend([*stored(1, 2), *stored(3, run=8), *stored(4)])
    rows = buffer.rows_of_run(1, 7)
    assert [(row.seq, row.data["text"]) for row in rows] == [(2, TEXT), (4, TEXT)]
    assert buffer.rows_of_run(1, 7) is rows
    assert [row.seq for row in buffer.rows_of_run(1, 8)] == [3]
    assert [row.seq for row in buffer.rows_of_run(2, 7)] == [4]
    buffer.extend(stored(5))
    assert [row.seq for row in buffer.rows_of_run(1, 7)] == [2, 4, 5]
    buffer.extend(stored(*range(6, 6 + MOST_PARSED)))
    many = buffer.rows_of_run(0, 7)
    assert buffer.rows_of_run(0, 7) is not many  # a long past is not kept twice


def test_a_block_compacted_meanwhile_is_cut_for_each_reader_alone():
    buffer = EventBuffer(1, 0, 100, 10**6)
    hub, device = SimpleNamespace(now=0.0), SimpleNamespace(pk=1, user_id=1)
    readers = [
        TranslatedSubscription(
            hub, buffer, device, head=0, cursor=0, run=OneRun(7, RUN),
            encoder=UIMessageStream("m"), streams=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    known = [*rows("text")][:3]
    buffer.extend([StoredEvent(it.seq, 7, it.type, dumps(it.data)) for it in known])
    first = [reader._from_buffer() for reader in readers]
    whole = {"index": 0, "text": "So it is", "from": 3}
    buffer.extend([StoredEvent(6, 7, "block.delta", dumps(whole))])
    assert [reader._from_buffer() for reader in readers] == [UI % (b"text", b'" it is"')] * 2
    assert first[0] == first[1]
