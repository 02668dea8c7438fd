"""What a server of Open Responses has to answer, held against the types that are made from its
specification: https://www.openresponses.org
"""

from __future__ import annotations

import json

import httpx
import pytest
from openresponses_types import types
from pydantic import BaseModel

from tests.sample_files import png

from .openai_client import MODEL, data_url

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = {
    next(iter(each.model_fields["type"].annotation)).value: each
    for name, each in vars(types).items()
    if name.endswith("StreamingEvent") and issubclass(each, BaseModel)
}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather of a place.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
    },
}


def said(role, content):
    return {"type": "message", "role": role, "content": content}


def look(content):
    return [{"type": "input_text", "text": content}, {"type": "input_image", "image_url": data_url(
        png(), "image/png")}]  # fmt: skip


CASES = {
    "basic response": ({"input": [said("user", "Hello")]}, "message"),
    "system prompt": ({"input": [said("system", "Rhyme"), said("user", "Hello")]}, "message"),
    "tool calling": ({"input": [said("user", "Rain?")], "tools": [WEATHER]}, "function_call"),
    "image input": ({"input": [said("user", look("What?"))]}, "message"),
    "multi-turn": (
        {"input": [said("user", "I am Ann"), said("assistant", "Hi"), said("user", "Who am I?")]},
        "message",
    ),
}


@pytest.fixture
def http(client, web):
    with httpx.Client(base_url=f"{web.url}/v1", headers=client.auth_headers, timeout=30) as http:
        yield http


def script(told, kind):
    if kind == "function_call":
        told.call("get_weather", json.dumps({"location": "Bern"}), "call_1")
    else:
        told.think("Hm").answer("Hello", " there")


@pytest.mark.parametrize(("body", "kind"), CASES.values(), ids=CASES)
def test_a_case_of_its_acceptance_tests(http, told, body, kind):
    script(told, kind)
    whole = http.post("/responses", json={"model": MODEL, **body})
    assert whole.status_code == 200, whole.text
    response = types.ResponseResource.model_validate_json(whole.content)
    assert response.status == "completed"
    assert kind in [item["type"] for item in whole.json()["output"]]

    script(told, kind)
    streamed = http.post("/responses", json={"model": MODEL, "stream": True, **body})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    frames = [frame.split("\n") for frame in streamed.text.split("\n\n") if "data: " in frame]
    events = [json.loads(data.removeprefix("data: ")) for _, data in frames]
    for (name, _), event in zip(frames, events, strict=True):
        assert name == f"event: {event['type']}"
        KINDS[event["type"]].model_validate(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    ends = [event["item"]["type"] for event in events if event["type"].endswith("item.done")]
    assert kind in ends
    if kind == "function_call":
        pieces = [e["delta"] for e in events if e["type"].endswith("arguments.delta")]
        (done,) = [e["arguments"] for e in events if e["type"].endswith("arguments.done")]
        assert "".join(pieces) == done == json.dumps({"location": "Bern"})
    assert events[-1]["type"] == "response.completed"


def test_what_fails_or_is_refused_has_its_shape_too(http, told):
    told.refuse(400)
    failed = http.post("/responses", json={"model": MODEL, "input": "Hi"})
    assert types.ResponseResource.model_validate_json(failed.content).error
    told.say("Half").finish("length")
    cut = http.post("/responses", json={"model": MODEL, "input": "Hi", "stream": True})
    last = json.loads(cut.text.strip().split("data: ")[-1])
    KINDS["response.incomplete"].model_validate(last)
    refused = http.post("/responses", json={"model": MODEL, "input": [{"type": "x"}]})
    assert refused.status_code == 400
    types.ErrorPayload.model_validate(refused.json()["error"])
