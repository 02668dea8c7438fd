"""openai-python, unmodified, against real processes and a model over HTTP: Chat Completions."""

from __future__ import annotations

import httpx
import openai
import pytest

from streams.models import Conversation, Run
from tests.processes import eventually
from tests.sample_files import GIF

from .openai_client import MODEL, data_url, texts

pytestmark = pytest.mark.django_db(transaction=True)

HI = [{"role": "user", "content": "Hi"}]


def raw(client, web, **more):
    """The frames as they are sent."""
    with httpx.Client(base_url=f"{web.url}/v1", headers=client.auth_headers, timeout=30) as http:
        sent = {"model": MODEL, "messages": HI, "stream": True, **more}
        return http.post("/chat/completions", json=sent).text.split("\n\n")[:-1]


def test_an_answer_whole_and_streamed_to_the_messages_that_were_sent(client, web, told):
    told.think("Hm").answer("Hello", " there")
    messages = [
        {"role": "system", "content": "Rules"},
        {"role": "assistant", "content": "Welcome"},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": [{"type": "text", "text": "first"}]},
        {"role": "user", "content": [{"type": "text", "text": "Two"}]},
    ]
    whole = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=9)
    choice = whole.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Hello there", "stop")
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (3, 5)
    assert texts(told) == ["Rules", "Welcome", "One", "first", "Two"]
    here = Conversation.objects.get()
    assert here.archived_at
    assert here.title == "Two"

    told.say("Hello", " there").finish("length")
    options = {"stream": True, "stream_options": {"include_usage": True}}
    pieces = [*client.chat.completions.create(model=MODEL, messages=HI, **options)]
    assert pieces[0].choices[0].delta.role == "assistant"
    said = [p.choices[0].delta.content for p in pieces if p.choices]
    assert "".join(text or "" for text in said) == "Hello there"
    reasons = [p.choices[0].finish_reason for p in pieces if p.choices]
    assert [reason for reason in reasons if reason] == ["length"]
    assert (pieces[-1].choices, pieces[-1].usage.total_tokens) == ([], 8)
    assert not any(piece.usage for piece in pieces[:-1])
    assert len({piece.id for piece in pieces}) == 1
    told.answer("x")
    frames = raw(client, web)
    assert frames[-1] == "data: [DONE]"
    assert frames.count("data: [DONE]") == 1
    assert not any('"usage"' in frame for frame in frames)


def test_the_same_key_sent_again_is_the_same_completion(client, told):
    told.answer("One")
    again = {"model": MODEL, "messages": HI, "extra_headers": {"Idempotency-Key": "k"}}
    first = client.chat.completions.create(**again)
    assert client.chat.completions.create(**again) == first
    pieces = [*client.chat.completions.create(**again, stream=True)]
    said = "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
    assert ({piece.id for piece in pieces}, said) == ({first.id}, "One")
    assert Run.objects.count() == len(told.requests) == 1
    with pytest.raises(openai.ConflictError):
        client.chat.completions.create(**again | {"messages": [{"role": "user", "content": "X"}]})


def test_images_and_files_go_with_the_message_they_came_with(client, told):
    told.answer("Two dots")
    image = {"type": "image_url", "image_url": {"url": data_url(GIF, "image/gif")}}
    file = {"type": "file", "file": {"file_data": data_url(b"words"), "filename": "a.txt"}}
    messages = [
        {"role": "user", "content": [image, {"type": "text", "text": "One"}]},
        {"role": "assistant", "content": "A dot"},
        {"role": "user", "content": [image, file]},
    ]
    whole = client.chat.completions.create(model=MODEL, messages=messages)
    assert whole.choices[0].message.content == "Two dots"
    first, answer, last = told.requests[-1]["messages"]
    assert [first["content"][0], answer["content"], last["content"][0]] == [image, "A dot", image]
    assert "words" in last["content"][1]["text"]
    for url in ("https://x.test/i.png", "data:image/gif,x"):
        image["image_url"]["url"] = url
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=MODEL, messages=messages)
    assert len(told.requests) == 1


def test_what_is_not_whole_never_ends_well(client, web, told, laptop, crew, worker):
    patient = client.with_options(max_retries=2)
    told.refuse(400)
    with pytest.raises(openai.BadRequestError):
        patient.chat.completions.create(model=MODEL, messages=HI)
    told.refuse(401)
    with pytest.raises(openai.InternalServerError):
        patient.chat.completions.create(model=MODEL, messages=HI)
    told.refuse(400)
    with pytest.raises(openai.APIError):
        [*patient.chat.completions.create(model=MODEL, messages=HI, stream=True)]
    told.refuse(400)
    assert "[DONE]" not in "".join(raw(client, web))

    told.say("Half")
    stream = iter(patient.chat.completions.create(model=MODEL, messages=HI, stream=True))
    assert [next(stream), next(stream)][-1].choices[0].delta.content == "Half"
    Run.objects.latest("pk").cancel(laptop)
    with pytest.raises(openai.APIError, match="stopped"):
        list(stream)
    eventually(lambda: told.closed == 1)
    assert len(told.requests) == 5, "nobody has asked again"

    told.say("Lost")
    stream = iter(patient.chat.completions.create(model=MODEL, messages=HI, stream=True))
    assert [next(stream), next(stream)][-1].choices[0].delta.content == "Lost"
    worker.kill()
    eventually(lambda: told.closed == 2)
    told.answer("What stands")
    crew.worker()
    with pytest.raises(openai.APIError, match="begin again"):
        list(stream)
    last = Run.objects.latest("pk")
    eventually(lambda: Run.objects.get(pk=last.pk).status == "completed")


def test_a_refusal_says_what_is_wrong_with_what(client, web):
    wrong = {
        "messages": [{"messages": "x"}, {"messages": []}, {"messages": [{"role": "user"}]},
                     {"messages": [{"role": "assistant", "content": "x"}]},
                     {"messages": [{"role": "tool", "content": "x"}]},
                     {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}],
        "tools": [{"tools": [{"type": "function"}]}],
        "n": [{"n": 2}],
        "max_tokens": [{"max_tokens": 0}],
        "response_format": [{"response_format": {"type": "json_object"}}],
        "model": [{"model": "nobody:x"}],
    }  # fmt: skip
    with httpx.Client(base_url=f"{web.url}/v1", headers=client.auth_headers) as http:
        for field, bodies in wrong.items():
            for body in bodies:
                told = http.post("/chat/completions", json={"messages": HI, **body})
                assert (told.status_code, told.json()["error"]["param"]) == (400, field), body
    assert not Run.objects.exists()
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="x").chat.completions.create(model=MODEL, messages=HI)
