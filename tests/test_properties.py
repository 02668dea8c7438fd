"""What holds for any input: folding, rolling up, cursors, frames and providers' bytes."""

from __future__ import annotations

import json
from itertools import pairwise

import httpx
import psycopg
import pytest
from httpx_sse import EventSource
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams import log
from streams.exceptions import BadCursor
from streams.log import compacted_page
from streams.log.transcript import Row, blocks_of, fold
from streams.postgres import connections
from streams.providers.sse_parser import Frames
from streams.realtime import cursor, sse

# As the log keeps it: what PostgreSQL refuses was replaced before.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ODD_TEXT = st.text('a \n\r\t\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\ufeffé😀"\\:', max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | ANY_TEXT | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def logs(draw):
    """A conversation's log as workers and people may make it: prompts come in between, blocks
    grow in turns, attempts begin again."""
    rows = []

    def add(type, **data):
        rows.append(Row(len(rows) + 1, type, data))

    prompts = draw(st.integers(1, 3))
    for n in range(prompts):
        after = draw(
            st.sampled_from([None, "", *(f"{kind}{k}" for k in range(n) for kind in "ma")])
        )
        branch = {} if after is None else {"parent": after}
        add("message.created", message=f"m{n}", role="user", text=draw(ANY_TEXT), **branch)
        if draw(st.integers(0, 3)) == 0:
            call = {name: draw(ANY_TEXT) for name in ("call_id", "name", "arguments", "result")}
            said = {"role": "assistant", "text": draw(ANY_TEXT)}
            add(
                "message.created",
                message=f"i{n}",
                **said,
                calls=draw(st.sampled_from([[], [call]])),
            )
        first = draw(st.sampled_from([{}, {"rank": -1}]))
        add("run.queued", run=f"r{n}", message=f"a{n}", prompt=f"m{n}", model="x", **first)
    for n in range(prompts):
        run = f"r{n}"
        if draw(st.booleans()):
            steps(draw, add, run, n)
            continue
        for attempt in range(1, draw(st.integers(1, 2)) + 1):
            add("run.started", run=run, attempt=attempt)
            blocks = draw(st.integers(0, 3))
            for index in range(blocks):
                add("block.started", run=run, index=index, kind="text")
            for index in draw(st.lists(st.integers(0, blocks - 1), max_size=12)) if blocks else ():
                if draw(st.integers(0, 5)) == 0:
                    add("conversation.updated", title=draw(ANY_TEXT))
                add("block.delta", run=run, index=index, text=draw(ANY_TEXT))
        add("run.completed", run=run, stop_reason="end_turn", usage={})
    return rows


def steps(draw, add, run, nth):
    """A run with tools: it goes on from its ended steps, waits, and takes a prompt in."""
    add("run.started", run=run, attempt=1)
    blocks = 0
    for step in range(1, draw(st.integers(1, 3)) + 1):
        for lost in range(draw(st.integers(0, 1)) + 1):
            if lost:
                more = {"step": step, "from_block": blocks} if step > 1 else {}
                add("run.started", run=run, attempt=step + lost, **more)
            add("step.started", run=run, step=step)
            add("block.started", run=run, index=blocks, kind="text")
            for _ in range(draw(st.integers(0, 3))):
                add("block.delta", run=run, index=blocks, text=draw(ANY_TEXT))
        call = {"id": f"i{blocks}", "call_id": f"c{blocks}", "name": "t", "block": blocks + 1}
        add("block.started", run=run, index=blocks + 1, kind="tool_call", name="t", call_id="c")
        add("step.ended", run=run, step=step, stop_reason="tool_call", usage={}, calls=[call])
        one_call(draw, add, run, call["call_id"])
        blocks += 2
    if nth == 0 and draw(st.booleans()):
        add("message.created", message="joins", role="user", text="x")
        add("run.queued", run="rj", message="aj", prompt="joins", model="x", rank=-1)
        add("run.steered", run=run, message="joins", absorbed="rj", at_block=blocks)
    add("run.completed", run=run, stop_reason="end_turn", usage={})


def one_call(draw, add, run, call_id):
    of = {"run": run, "call_id": call_id}
    decision = draw(st.sampled_from([None, "approved", "denied"]))
    if decision:
        add("tool.waiting", **of, id="i", name="t", arguments="{}", client=False)
        if draw(st.booleans()):
            add("run.waiting", run=run, attempt=1)
        add("tool.decided", **of, decision=decision, note=draw(ANY_TEXT))
    if decision != "denied":
        add("tool.started", **of)
        for _ in range(draw(st.integers(0, 2))):
            add("tool.progress", **of, text=draw(ANY_TEXT))
    add("tool.ended", **of, status="ok", result=draw(ANY_TEXT), ms=1)


@given(logs(), st.data())
def test_folding_in_any_two_parts_with_any_repeats_is_folding_at_once(rows, data):
    cut = data.draw(st.integers(0, len(rows)))
    again = data.draw(st.integers(0, cut))
    assert fold(rows[again:], into=fold(rows[:cut])) == fold(rows)


@given(logs())
def test_one_runs_own_blocks_are_those_of_the_page(rows):
    page = fold(rows)
    for message in page.messages:
        if message.run:
            own = [row for row in rows if row.data.get("run") == message.run]
            assert blocks_of(own) == message.blocks


@pytest.fixture
def rolled_up(db):
    """Returns what the statement makes of a log in the table, page by page."""
    from django.db import connection

    def rolled(rows, after, limit, most):
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM streams_event")
            numbers = {name: n for n, name in enumerate({r.data.get("run") for r in rows})}
            cursor.executemany(
                "INSERT INTO streams_event (conversation_id, seq, run_id, type, data)"
                " VALUES (1, %s, %s, %s, %s)",
                [(r.seq, numbers[r.data.get("run")], r.type, log.dumps(r.data)) for r in rows],
            )
            found, more = [], True
            while more:
                known = {"conversation": 1, "after": after, "limit": limit, "bytes": most}
                cursor.execute(compacted_page.EVERY.exact, known)
                exact = compacted_page.exact_page(cursor.fetchall())
                cursor.execute(compacted_page.EVERY.quick, known)
                quick = compacted_page.page(cursor.fetchall(), limit, most)
                assert quick is None or quick[0] == exact[0]
                page, more = quick or exact
                found += [Row(seq, type, json.loads(data)) for seq, _, type, data in page]
                after = max([after, *(row[0] for row in page)])
        return found

    return rolled


def test_a_log_rolled_up_from_anywhere_in_any_pages_is_the_same_page(rolled_up):
    @settings(max_examples=60)
    @given(logs(), st.data())
    def check(rows, data):
        cursor = data.draw(st.integers(0, len(rows)))
        limits = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 400)))
        pages = rolled_up(rows, cursor, *limits)
        assert fold(pages, into=fold(rows[:cursor])) == fold(rows)
        covered = [(row.data.get("from", row.seq), row.seq) for row in pages]
        edges = [cursor, *(last for _, last in covered)]
        assert [first for first, _ in covered] == [edge + 1 for edge in edges[:-1]]

    check()


@given(st.integers(0, cursor.LAST_SEQ), st.none() | st.text())
def test_every_number_is_a_cursor_and_the_header_wins(number, after):
    assert cursor.parse(str(number), after) == number
    assert cursor.parse(None, str(number)) == number


@given(st.text() | st.integers().map(str) | st.from_regex(r"[0-9]{0,25}", fullmatch=True))
@example("²")
@example("\u0664")
def test_a_cursor_is_a_number_or_is_refused(text):
    try:
        number = cursor.parse(None, text)
    except BadCursor:
        return
    assert text.isascii()
    assert 0 <= number == int(text) <= cursor.LAST_SEQ


def parsed(body):
    """Parses frames by somebody else's parser."""
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    return list(EventSource(response).iter_sse())


@given(st.lists(st.tuples(st.integers(1, cursor.LAST_SEQ), st.dictionaries(ODD_TEXT, JSON))))
def test_frames_say_the_same_to_an_independent_parser(events):
    body = b"".join(
        sse.frame(seq, "block.delta", log.dumps(data)) + sse.unnumbered("sync", head=seq)
        for seq, data in events
    )
    frames = parsed(sse.retry(1000) + body)[1:]  # that parser makes an event of retry alone
    assert [(int(f.id), f.event, f.json()) for f in frames[::2]] == [
        (seq, "block.delta", json.loads(log.dumps(data))) for seq, data in events
    ]
    assert [(f.event, f.json()) for f in frames[1::2]] == [("sync", {"head": s}) for s, _ in events]


LISTED = st.sampled_from(
    ["data: x", "data:y", "data", "data:  z", "event: e", ": comment", "id: 1", "retry: 5", "odd"]
) | ODD_TEXT.map(lambda text: "data: " + text.replace("\n", "").replace("\r", ""))


@given(
    st.lists(st.lists(LISTED, min_size=1, max_size=4), max_size=4),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 200), max_size=8),
)
def test_a_providers_bytes_cut_anywhere_mean_what_an_independent_parser_hears(
    events, newline, cuts
):
    events = [[*event, "data: last"] for event in events]
    body = "".join(newline.join([*event, "", ""]) for event in events).encode()
    edges = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    frames = Frames()
    heard = [data for a, b in pairwise(edges) for data in frames.feed(body[a:b])]
    assert [data.decode() for data in heard] == [event.data for event in parsed(body)]


@given(JSON)
def test_what_the_log_encodes_postgresql_keeps(value):
    assert json.loads(log.dumps({"v": value}))["v"] == json.loads(
        json.dumps(value).replace("\\u0000", "\\ufffd")
    )


@pytest.mark.django_db
def test_postgresql_gives_back_what_the_log_encoded():
    with psycopg.connect(**connections.parameters()) as connection:

        @settings(max_examples=50)
        @given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4))
        def check(value):
            text = log.dumps(value)
            row = connection.execute("SELECT %s::jsonb::text", [text]).fetchone()
            assert json.loads(row[0]) == json.loads(text)
            assert parsed(sse.frame(1, "x", row[0]))[0].json() == json.loads(text)

        check()
