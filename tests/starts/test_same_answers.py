"""What is stored before Django's handler is answered as Django's handler would have answered it."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.starts.sites import World, asked, site

pytestmark = pytest.mark.django_db(transaction=True)

LIMITS = {
    "prompt_characters": 20,
    "running_per_user": 2,
    "queued_per_user": 2,
    "conversation_messages": 8,
}


@pytest.fixture
def loop():
    with asyncio.Runner() as runner:
        yield runner.run


# What may be unusual or wrong with a request: at most one thing, since only the first is told.
FIELDS = [
    *(("content", each) for each in (" \n", "x" * 21, 5, None, "a\0\ud800b \U0001f600")),
    *(("client_key", each) for each in ("", "x" * 65, 7)),
    *(("model", each) for each in ("scripted:demo", "scripted:no such", "", 3)),
    *(("title", each) for each in ("A  title", "x" * 121)),
    *(("on_busy", each) for each in ("queue", "interrupt", "reject", "never")),
    ("system", "Be brief."),
    *(("parent", each) for each in ("", "nobody")),
    ("messages", []),
    ("colour", "red"),
]
HEADERS = [
    *(("accept", each) for each in ("text/html", "*/*", None, "application/json;q=x")),
    *(("content-type", each) for each in ("application/json; charset=utf-8", "text/plain", None)),
    *(("x-csrftoken", each) for each in ("u" * 32, None)),
    *(("origin", each) for each in ("http://localhost", "http://elsewhere.example", "null")),
    *(("host", each) for each in ("elsewhere.example", None)),
    *(("authorization", each) for each in ("Basic x", "Bearer cs_x")),
    *(("cookie", each) for each in ("csrftoken=" + "t" * 32, None)),
    ("accept-language", "de"),
]
KINDS = [("kind", each) for each in ("form", "broken", "list", "nothing", "with a query")]
ODD = FIELDS + HEADERS + KINDS

PLACES = (
    [None] * 3 + ["queue"] * 3 + ["interrupt", "reject", "steer", "theirs", "deleted", "nowhere"]
)
USUAL = st.fixed_dictionaries(
    {"content": st.sampled_from(["Hello", "Bye"])},
    optional={"client_key": st.sampled_from(["k", "l"])},
)
REQUESTS = st.lists(
    st.tuples(st.sampled_from(PLACES), USUAL, st.none() | st.none() | st.sampled_from(ODD)),
    min_size=2,
    max_size=7,
)


# What the person has used of how many tokens, and dollars. Of those nothing is used up.
USED = st.sampled_from([(0, None, None)] * 3 + [(99, 100, None), (100, 100, None), (5, 0, 1)])


def body_of(kind, fields):
    if kind == "form":
        sent = {name: text for name, text in fields.items() if isinstance(text, str)}
        return urlencode({name: text.replace("\ud800", "") for name, text in sent.items()}).encode()
    bodies = {"broken": b'{"content":', "list": b"[]", "nothing": b""}
    return bodies.get(kind, json.dumps(fields).encode())


async def answers(app, world, requests):
    said = []
    for place, fields, odd in requests:
        name, value = odd or ("", None)
        kind = value if name == "kind" else "json"
        headers = {name: value} if odd in HEADERS else {}
        if kind == "form":
            headers["content-type"] = "application/x-www-form-urlencoded"
        body = body_of(kind, fields | ({name: value} if odd in FIELDS else {}))
        query = b"q=1" if kind == "with a query" else b""
        answer = await asked(app, world.path(place), world.headers(**headers), body, query)
        said.append(world.told(answer))
    return said


def test_whatever_is_asked_the_answer_and_the_rows_are_djangos(loop, settings, request):
    examples = 3 * request.config.getoption("examples")
    settings.STREAMS = settings.STREAMS | LIMITS
    direct_answers = []

    @given(REQUESTS, USED)
    @hypothesis_settings(examples)
    def compare(requests, used):
        here, there = World(*used), World(*used)

        async def both():
            settings.STREAMS["direct_prompts"] = True
            async with site() as direct:
                ours = await answers(direct, here, requests)
                direct_answers.append(direct._starts.answered if direct._starts else 0)
            settings.STREAMS["direct_prompts"] = False
            async with site() as djangos:
                return ours, await answers(djangos, there, requests)

        ours, theirs = loop(both())
        assert ours == theirs
        assert here.rows() == there.rows()

    compare()
    assert sum(direct_answers) > examples / 4


def hypothesis_settings(examples):
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
