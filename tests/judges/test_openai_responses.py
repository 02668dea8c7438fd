"""openai-python, unmodified, against real processes and a model over HTTP: the Responses API."""

from __future__ import annotations

import threading

import httpx
import openai
import pytest

from streams.models import Conversation, Event, Run
from tests.processes import eventually
from tests.sample_files import GIF

from .openai_client import MODEL, OPEN, data_url, joined, read, texts

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


def run_of(response):
    return Run.objects.select_related("answer", "conversation").get(
        uuid=response.id.removeprefix("resp_")
    )


def test_an_answer_whole_and_streamed_and_read_again(client, told):
    told.answer("Hello", " there")
    whole = client.responses.create(
        model=MODEL, input="Hi", instructions="Be brief", metadata={"a": "b"}, max_output_tokens=7
    )
    assert (whole.output_text, whole.status) == ("Hello there", "completed")
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (3, 5)
    assert (whole.instructions, whole.metadata) == ("Be brief", {"a": "b"})
    asked = told.requests[-1]
    assert [m["content"] for m in asked["messages"]] == ["Be brief", "Hi"]
    assert 7 in (asked.get("max_tokens"), asked.get("max_completion_tokens"))
    assert client.responses.retrieve(whole.id).to_dict() == whole.to_dict()

    told.answer("Hello", " there")
    events = read(client.responses.create(model=MODEL, input="Hi", stream=True))
    assert [event.type for event in events] == ORDER
    assert [event.sequence_number for event in events] == list(range(len(ORDER)))
    assert events[0].response.output == []
    last = events[-1].response
    added = [event.item.id for event in events if event.type == "response.output_item.added"]
    assert [item.id for item in last.output] == added
    assert client.responses.retrieve(last.id).to_dict() == last.to_dict()
    again = read(client.responses.retrieve(last.id, stream=True))
    assert [event.to_dict() for event in again] == [event.to_dict() for event in events]
    items = client.responses.input_items.list(last.id)
    assert [item.content[0].text for item in items] == ["Hi"]
    assert len(told.requests) == 2


def test_a_stream_cut_anywhere_goes_on_where_it_was_cut(client, told):
    """Raw, from `starting_after`; and by the SDK's own helper, which asks for all and filters."""
    told.think("Hm").answer("Good", " evening", " to", " you")
    events = read(client.responses.create(model=MODEL, input="Hi", stream=True))
    id, whole = events[0].response.id, [event.to_dict() for event in events]
    for cut in range(len(events)):
        rest = client.responses.retrieve(id, stream=True, starting_after=cut)
        assert [event.to_dict() for event in read(rest)] == whole[cut + 1 :]
    with client.responses.stream(response_id=id, starting_after=4) as stream:
        helped = [event.sequence_number for event in stream]
        assert stream.get_final_response().output_text == "Good evening to you"
    assert helped == list(range(5, len(events)))
    kinds = [item.type for item in events[-1].response.output]
    assert kinds == ["reasoning", "message"]
    assert len(told.requests) == 1


def test_a_background_response_goes_on_without_its_client(client, told):
    told.say("One", " two")
    with client.responses.create(
        model=MODEL, input="Count", background=True, stream=True
    ) as stream:
        seen = [event for _, event in zip(range(5), stream, strict=False)]
    assert seen[-1].delta == "One"
    told.say(" three").finish()
    rest = client.responses.retrieve(
        seen[0].response.id, stream=True, starting_after=seen[-1].sequence_number
    )
    events = [*seen, *read(rest)]
    assert joined(events) == "One two three"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert told.closed == 0

    polled = client.responses.create(model=MODEL, input="More", background=True)
    assert polled.status in OPEN
    told.answer("four")
    eventually(lambda: client.responses.retrieve(polled.id).status == "completed")
    assert client.responses.retrieve(polled.id).output_text == "four"
    assert len(told.requests) == 2


def test_several_turns_by_response_by_conversation_and_by_items(client, told):
    told.answer("first")
    one = client.responses.create(model=MODEL, input="One", instructions="Rules")
    told.answer("second")
    two = client.responses.create(model=MODEL, input="Two", previous_response_id=one.id)
    assert two.previous_response_id == one.id
    assert texts(told) == ["One", "first", "Two"], "instructions do not travel"
    told.answer("other")
    client.responses.create(
        model=MODEL, input="Or", previous_response_id=one.id, instructions="New"
    )
    assert texts(told) == ["New", "One", "first", "Or"], "a branch"

    talk = client.conversations.create(
        items=[{"type": "message", "role": "user", "content": "Earlier"}], metadata={"k": "v"}
    )
    client.conversations.items.create(
        talk.id, items=[{"type": "message", "role": "assistant", "content": "Indeed"}]
    )
    told.answer("third")
    last = client.responses.create(model=MODEL, input="Now", conversation=talk.id)
    assert texts(told) == ["Earlier", "Indeed", "Now"]
    assert last.conversation.id == talk.id
    listed = [*client.conversations.items.list(talk.id, limit=2)]
    assert [item.content[0].text for item in listed] == ["third", "Now", "Indeed", "Earlier"]
    assert listed[0].id == last.output[0].id
    asc = client.conversations.items.list(talk.id, order="asc", limit=1)
    assert (asc.data[0].content[0].text, asc.has_more) == ("Earlier", True)
    found = client.conversations.items.retrieve(listed[0].id, conversation_id=talk.id)
    assert found.id == listed[0].id
    assert client.conversations.retrieve(talk.id).metadata == {"k": "v"}
    assert client.conversations.update(talk.id, metadata={"k": "w"}).metadata == {"k": "w"}
    assert client.conversations.delete(talk.id).deleted

    told.answer("fifth")
    history = [
        {"role": "developer", "content": "Rules"},
        {"role": "user", "content": "One"},
        *two.output,
        {"role": "user", "content": [{"type": "input_text", "text": "Three"}]},
    ]
    mixed = client.responses.create(model=MODEL, input=history)
    assert texts(told) == ["Rules", "One", "second", "Three"]
    asked = client.responses.input_items.list(mixed.id, order="asc")
    assert [item.content[0].text for item in asked] == ["One", "second", "Three"]


def test_images_and_files_reach_the_model_and_are_read_back(client, told):
    told.answer("A dot")
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": data_url(GIF, "image/gif"), "detail": "auto"},
        {"type": "input_file", "file_data": data_url(b"words", "text/plain"), "filename": "a.txt"},
    ]
    made = client.responses.create(model=MODEL, input=[{"role": "user", "content": content}])
    assert made.output_text == "A dot"
    image, text, asked = told.requests[-1]["messages"][-1]["content"]
    assert image["image_url"]["url"] == data_url(GIF, "image/gif")
    assert "words" in text["text"]
    assert asked["text"] == "What is this?"
    (item,) = client.responses.input_items.list(made.id)
    kinds = [part.type for part in item.content]
    assert kinds == ["input_image", "input_file", "input_text"]
    read = httpx.get(item.content[0].image_url, headers=client.auth_headers)
    assert (read.content, read.headers["content-type"]) == (GIF, "image/gif")
    told.answer("Still")
    more = {"model": MODEL, "previous_response_id": made.id}
    remote = {"type": "input_image", "image_url": "https://x.test/i.png", "detail": "auto"}
    with pytest.raises(openai.BadRequestError, match="Nothing is fetched"):
        client.responses.create(input=[{"role": "user", "content": [remote]}], **more)
    known = {"role": "user", "content": item.to_dict()["content"]}
    assert client.responses.create(input=[known], **more).output_text == "Still"


def test_a_stop_reaches_every_reader_and_the_model(client, told):
    told.say("One")
    stream = iter(client.responses.create(model=MODEL, input="Go", background=True, stream=True))
    events = [event for _, event in zip(range(5), stream, strict=False)]
    id = events[0].response.id
    stopped = client.responses.cancel(id)
    assert (stopped.status, stopped.output_text) == ("cancelled", "One")
    events += stream
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.status == "cancelled"
    assert [event.type for event in events[-4:-1]] == [
        "response.output_text.done", "response.content_part.done", "response.output_item.done",
    ]  # fmt: skip
    assert events[-1].response.output[0].status == "incomplete"
    eventually(lambda: told.closed == 1)
    assert client.responses.cancel(id).status == "cancelled"
    assert read(client.responses.retrieve(id, stream=True))[-1].type == "response.incomplete"


def test_what_failed_is_a_response_and_is_not_asked_again(client, told):
    patient = client.with_options(max_retries=2)
    told.refuse(400)
    failed = patient.responses.create(model=MODEL, input="Hi")
    assert (failed.status, failed.error.code) == ("failed", "invalid_prompt")
    told.refuse(401)
    events = read(patient.responses.create(model=MODEL, input="Hi", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error.code == "server_error"
    told.say("Half").finish("length")
    short = patient.responses.create(model=MODEL, input="Hi")
    assert (short.status, short.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert len(told.requests) == 3

    here = Conversation.objects.get(uuid=short.conversation.id.removeprefix("conv_"))
    here.change(None, on_busy="reject")
    open = patient.responses.create(
        model=MODEL, input="A", background=True, previous_response_id=short.id
    )
    with pytest.raises(openai.ConflictError) as refused:
        patient.responses.create(model=MODEL, input="B", conversation=short.conversation.id)
    assert refused.value.code == "busy"
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert patient.responses.cancel(open.id).status == "cancelled"


def test_what_is_deleted_or_not_stored_or_somebody_elses_is_not_there(client, foreign_client, told):
    told.answer("One").answer("Two")
    kept = client.responses.create(model=MODEL, input="Hi")
    passing = client.responses.create(model=MODEL, input="Hi", store=False)
    told.answer("Three")
    deleted = client.responses.create(model=MODEL, input="Hi")
    client.responses.delete(deleted.id)
    assert not Conversation.objects.filter(
        uuid=deleted.conversation.id.removeprefix("conv_"), deleted_at=None
    ).exists()
    talk = client.conversations.create()
    lost = ["resp_00000000000000000000000000000000", "resp_x", "x", passing.id, deleted.id]
    for who, ids in ((client, lost), (foreign_client, [kept.id])):
        for id in ids:
            for ask in (
                lambda who, id: who.responses.retrieve(id),
                lambda who, id: who.responses.retrieve(id, stream=True),
                lambda who, id: who.responses.cancel(id),
                lambda who, id: who.responses.delete(id),
                lambda who, id: who.responses.input_items.list(id),
                lambda who, id: who.responses.create(
                    model=MODEL, input="x", previous_response_id=id
                ),
            ):
                with pytest.raises(openai.NotFoundError):
                    ask(who, id)
    for who, id in ((client, "conv_x"), (foreign_client, talk.id)):
        for ask in (
            lambda who, id: who.conversations.retrieve(id),
            lambda who, id: who.conversations.update(id, metadata={}),
            lambda who, id: who.conversations.delete(id),
            lambda who, id: who.conversations.items.list(id),
            lambda who, id: who.conversations.items.create(id, items=[]),
            lambda who, id: who.conversations.items.retrieve("msg_x", conversation_id=id),
            lambda who, id: who.responses.create(model=MODEL, input="x", conversation=id),
        ):
            with pytest.raises(openai.NotFoundError):
                ask(who, id)
    assert client.responses.retrieve(kept.id).output_text == "One"
    assert len(told.requests) == 3


def test_a_refusal_says_what_is_wrong_with_what(client, web):
    wrong = {
        "input": [{}, {"input": ""}, {"input": []}, {"input": 3}, {"input": [{"role": "x"}]},
                  {"input": [{"role": "assistant", "content": "x"}]},
                  {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
                  {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]},
                  {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}],
        "tools": [{"tools": [{"type": "web_search"}]}, {"tools": [{"type": "function"}]}],
        "model": [{"model": "nobody:x"}, {"model": 3}],
        "temperature": [{"temperature": 3}, {"temperature": "x"}],
        "max_output_tokens": [{"max_output_tokens": 0}, {"max_output_tokens": True}],
        "metadata": [{"metadata": {"x": 1}}, {"metadata": {"x": "y" * 513}}],
        "previous_response_id": [{"previous_response_id": "resp_x", "conversation": "conv_x"}],
        "text.format": [{"text": {"format": {"type": "json_object"}}}],
        "stream": [{"stream": "yes"}],
    }  # fmt: skip
    with httpx.Client(base_url=f"{web.url}/v1", headers=client.auth_headers) as http:
        for field, bodies in wrong.items():
            for body in bodies:
                sent = {"model": MODEL, "input": "x"} | body if body else {"model": MODEL}
                told = http.post("/responses", json=sent)
                assert told.status_code == 400, sent
                assert told.json()["error"]["type"] == "invalid_request_error"
                said = told.json()["error"]["param"]
                assert (said or "input").replace("content", "input") == field, sent
        for body, status in ((b"{", 400), (b"[]", 400), (b"", 400)):
            assert http.post("/responses", content=body).status_code == status
        assert http.get("/responses").status_code == 405
        told = http.get("/responses/resp_x").json()["error"]
        assert set(told) == {"message", "type", "param", "code"}
    assert not Run.objects.exists()
    with pytest.raises(openai.AuthenticationError) as refused:
        client.with_options(api_key="cs_nobody").responses.create(model=MODEL, input="x")
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="x").models.list()
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).owned_by == "openai-chat"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody:x")


def test_the_same_key_sent_again_is_the_same_response(client, told):
    told.answer("One")
    again = {"extra_headers": {"Idempotency-Key": "k"}}
    first = client.responses.create(model=MODEL, input="Hi", **again)
    assert client.responses.create(model=MODEL, input="Hi", **again).id == first.id
    told.answer("Two")
    more = {"previous_response_id": first.id, "input": [
        {"role": "user", "content": "A"}, {"role": "assistant", "content": "B"},
        {"role": "user", "content": "C"},
    ]}  # fmt: skip
    both = [client.responses.create(model=MODEL, **more, **again | {"extra_headers": {
        "Idempotency-Key": "l"}}).id for _ in range(2)]  # fmt: skip
    assert both[0] == both[1]
    assert Run.objects.count() == len(told.requests) == 2
    with pytest.raises(openai.ConflictError):
        client.responses.create(model=MODEL, input="Other", **again)


def test_a_killed_worker_leaves_what_stands_and_nothing_twice(client, told, crew, worker):
    told.say("Lost", " words")
    stream = iter(client.responses.create(model=MODEL, input="Go", background=True, stream=True))
    events = [event for _, event in zip(range(6), stream, strict=False)]
    assert joined(events) == "Lost words"
    worker.kill()
    eventually(lambda: told.closed == 1)
    told.answer("What stands")
    crew.worker()
    events += stream
    numbers = [event.sequence_number for event in events]
    assert numbers == list(range(len(events)))
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.status for item in done] == ["incomplete", "completed"]
    assert done[0].id != done[1].id
    last = events[-1].response
    assert (last.output_text, len(last.output)) == ("What stands", 1)
    assert last.output[0].id == done[1].id
    assert client.responses.retrieve(last.id).output == last.output
    again = read(client.responses.retrieve(last.id, stream=True))
    assert [event.to_dict() for event in again] == [event.to_dict() for event in events]
    with client.responses.stream(response_id=last.id) as helped:
        assert helped.get_final_response().output_text == "What stands"


def test_after_compaction_any_cursor_gets_the_end_which_holds_everything(client, told):
    from django.core.management import call_command

    told.answer(*"abcdefgh")
    events = read(client.responses.create(model=MODEL, input="Hi", stream=True))
    whole = events[-1].response
    Run.objects.update(ended_at="2000-01-01T00:00Z")
    call_command("pruneevents", verbosity=0)
    assert Event.objects.filter(type="block.delta").count() == 1
    for cut in (-1, 0, 3, 8, len(events) - 2, len(events) + 50):
        after = {} if cut < 0 else {"starting_after": cut}
        rest = read(client.responses.retrieve(whole.id, stream=True, **after))
        assert rest[-1].response.to_dict() == whole.to_dict()
        assert rest[-1].sequence_number > cut
    assert client.responses.retrieve(whole.id).to_dict() == whole.to_dict()


def test_what_began_in_a_page_is_read_and_stopped_here(client, told, anna, laptop):
    here = Conversation.objects.create(owner=anna, model=MODEL)
    _, run, _ = here.post("From a page", laptop)
    told.say("Seen")
    id = f"resp_{run.uuid.hex}"
    stream = iter(client.responses.retrieve(id, stream=True))
    events = [event for _, event in zip(range(5), stream, strict=False)]
    assert joined(events) == "Seen"
    run.cancel(laptop)
    assert [*stream][-1].response.status == "cancelled"
    eventually(lambda: told.closed == 1)  # who is cut off no longer takes what is told next
    told.answer("More")
    told_more = client.responses.create(model=MODEL, input="On", previous_response_id=id)
    assert told_more.output_text == "More"
    assert run_of(told_more).conversation == here


def test_many_readers_of_one_response_hear_the_same(client, told):
    told.say("a")
    first = client.responses.create(model=MODEL, input="Go", background=True)
    heard = [[] for _ in range(8)]

    def follow(into):
        into += [e.to_dict() for e in client.responses.retrieve(first.id, stream=True)]

    readers = [threading.Thread(target=follow, args=[into]) for into in heard]
    for each in readers:
        each.start()
    told.answer(*"bcd")
    for each in readers:
        each.join()
    assert all(each == heard[0] for each in heard)
    assert heard[0][-1]["response"]["output"][0]["content"][0]["text"] == "abcd"
