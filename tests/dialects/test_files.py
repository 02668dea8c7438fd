"""Files inside of the messages that clients of other protocols send."""

from __future__ import annotations

import json
from base64 import b64encode
from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from streams import budgets
from streams.dialects import message_lists
from streams.dialects.ag_ui.messages import posted as ag_ui
from streams.dialects.ai_sdk.messages import posted as ai_sdk
from streams.dialects.endpoint import body_with_files
from streams.dialects.files import Storing
from streams.exceptions import Invalid, NotFound, StreamsError, TooLarge, TooManyFiles
from streams.models import Attachment, Conversation, DiscardedFile, Message, Run, Usage
from tests import sample_files

pytestmark = pytest.mark.django_db
MODEL = "scripted:demo"
REMOTE = "https://example.com/cat.png"


def url(content=None, kind="image/png"):
    content = sample_files.png() if content is None else content
    return f"data:{kind};base64,{b64encode(content).decode()}"


def encoded(content=None):
    return url(content).partition(",")[2]


def of_ai_sdk(*parts, id="m"):
    messages = [{"id": id, "role": "user", "parts": [*parts, {"type": "text", "text": "What?"}]}]
    return ai_sdk({"id": "chat", "messages": messages, "model": MODEL})


def of_ag_ui(*parts):
    content = [*parts, {"type": "text", "text": "What?"}]
    messages = [{"id": "m", "role": "user", "content": content}]
    props = {"model": MODEL}
    return ag_ui({"threadId": "t", "messages": messages, "forwardedProps": props})


def as_file(address, **more):
    return {"type": "file", "mediaType": "image/jpeg", "url": address, **more}


def as_source(kind, value, type="image", **more):
    return {"type": type, "source": {"type": kind, "value": value, "mimeType": "x/y"}, **more}


LISTS = {
    "ai sdk": lambda content: of_ai_sdk(as_file(url(content), filename="a.gif")),
    "ag-ui data": lambda content: of_ag_ui(
        as_source("data", encoded(content), metadata={"filename": "a.gif"})
    ),
    "ag-ui url": lambda content: of_ag_ui(
        as_source("url", url(content), "document", metadata={"filename": "a.gif"})
    ),
    "ag-ui binary": lambda content: of_ag_ui(
        {"type": "binary", "mimeType": "x/y", "data": encoded(content), "filename": "a.gif"}
    ),
}


@pytest.mark.parametrize("made", LISTS.values(), ids=LISTS)
def test_a_file_goes_with_the_prompt_once_however_often_it_is_posted(made, anna, laptop):
    run = message_lists.ask(anna, laptop, made(sample_files.png()))

    file = Attachment.objects.get()
    assert (file.name, file.type, file.message) == ("a.gif.png", "image/png", run.prompt)
    assert run.prompt.text == "What?"
    assert message_lists.ask(anna, laptop, made(sample_files.png())._replace(again=False)) == run
    assert Attachment.objects.get() == file
    other = message_lists.ask(anna, laptop, made(sample_files.GIF))
    assert other.prompt != run.prompt, "another file is another prompt"
    assert not DiscardedFile.objects.exists()


def test_what_was_told_by_its_address_is_the_same_file(anna, laptop, bert, phone):
    run = message_lists.ask(anna, laptop, of_ai_sdk(as_file(url())))
    address = f"https://chat.example/below/attachments/{Attachment.objects.get().uuid}/file.png"
    assert message_lists.ask(anna, laptop, of_ai_sdk(as_file(address))) == run
    with pytest.raises(NotFound):
        message_lists.ask(bert, phone, of_ai_sdk(as_file(address)))
    assert Attachment.objects.count() == 1


def test_of_a_list_that_is_new_here_all_files_are_taken_in(anna, laptop):
    earlier = {"id": "a", "role": "user", "parts": [as_file(url(sample_files.GIF))]}
    answer = {"id": "b", "role": "assistant", "parts": [{"type": "text", "text": "A dot."}]}
    prompt = {"id": "c", "role": "user", "parts": [as_file(url())]}
    given = {"id": "chat", "messages": [earlier, answer, prompt], "model": MODEL}
    for _ in range(2):
        message_lists.ask(anna, laptop, ai_sdk(given))
        said = Message.objects.exclude(run__isnull=False).order_by("seq")
        kinds = [[block["kind"] for block in message.blocks] for message in said]
        assert kinds == [["text", "attachment"], ["text"], ["text", "attachment"]]
        assert Attachment.objects.exclude(message=None).count() == 2


REFUSED = {
    "remote": (lambda: of_ai_sdk(as_file(REMOTE)), Invalid, "Nothing is fetched"),
    "no address": (lambda: of_ai_sdk(as_file("http://[x")), Invalid, "Nothing is fetched"),
    "no host": (lambda: of_ai_sdk(as_file("http://a\u2100b/")), Invalid, "Nothing is fetched"),
    "remote source": (lambda: of_ag_ui(as_source("url", REMOTE)), Invalid, "Nothing is fetched"),
    "a provider's": (lambda: of_ag_ui(as_source("file", "f")), Invalid, "its data"),
    "audio": (lambda: of_ag_ui(as_source("data", "", "audio")), Invalid, "text, an image"),
    "no base64": (lambda: of_ai_sdk(as_file("data:text/plain,x")), Invalid, "base64"),
    "no alphabet": (lambda: of_ai_sdk(as_file("data:;base64,????")), Invalid, "base64"),
    "cut off": (lambda: of_ai_sdk(as_file("data:;base64,abc")), Invalid, "base64"),
    "empty": (lambda: of_ai_sdk(as_file("data:;base64,")), Invalid, "empty"),
    "too long": (lambda: of_ai_sdk(as_file(url(b"x" * 2003))), TooLarge, "too large"),
    "too many": (lambda: of_ai_sdk(*[as_file(url())] * 11), StreamsError, "At most 10 files"),
    "too many bytes": (
        lambda: of_ai_sdk(*[as_file(url(b"%d" % n * 900)) for n in range(6)]),
        TooLarge,
        "too large for one message",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_nothing(made, error, words, anna, laptop, settings):
    bounds = {"attachment_bytes": 2000, "attachment_bytes_at_once": 5000}
    settings.STREAMS = {**settings.STREAMS, **bounds}
    with pytest.raises(error, match=words) as refused:
        message_lists.ask(anna, laptop, made())
    assert refused.value.field == "messages"
    assert not Attachment.objects.exists()
    assert not Run.objects.exists()


def test_nothing_is_decoded_before_its_bound(anna, laptop, settings, monkeypatch):
    settings.STREAMS = {**settings.STREAMS, "attachment_bytes": 2000}
    monkeypatch.setattr("streams.dialects.files.b64decode", lambda *_, **__: pytest.fail("did"))
    with pytest.raises(TooLarge):
        of_ai_sdk(as_file(url(b"x" * 2003)))
    with pytest.raises(StreamsError, match="At most"):
        message_lists.ask(anna, laptop, of_ai_sdk(*[as_file(url())] * 11))


PARTS = {
    "image": ({"type": "input_image", "image_url": url()}, "file.png"),
    "file": ({"type": "input_file", "file_data": url(), "filename": "a.png"}, "a.png"),
    "raw": ({"type": "input_file", "file_data": encoded(), "filename": "b"}, "b.png"),
    "chat image": ({"type": "image_url", "image_url": {"url": url()}}, "file.png"),
    "chat file": ({"type": "file", "file": {"file_data": url(), "filename": "a.png"}}, "a.png"),
}


@pytest.mark.parametrize(("part", "name"), PARTS.values(), ids=PARTS)
def test_openais_parts_and_how_they_are_read_back(v1, part, name):
    asked = [{"role": "user", "content": [part, {"type": "input_text", "text": "What?"}]}]
    made = v1("responses", model=MODEL, input=asked, background=True)
    file = Attachment.objects.get()
    assert (file.name, file.message.text) == (name, "What?")
    (item,) = v1.client.get(f"/v1/responses/{made['id']}/input_items").json()["data"]
    address = f"http://testserver/attachments/{file.uuid}/{file.name}"
    assert item["content"][0] == {"type": "input_image", "detail": "auto", "image_url": address}
    assert item["content"][1] == {"type": "input_text", "text": "What?"}
    here = made["conversation"]["id"]
    assert v1.client.get(f"/v1/conversations/{here}/items?order=asc").json()["data"][0] == item


def test_openais_refusals_and_keys(v1, settings):
    def asked(part):
        return {"model": MODEL, "background": True, "input": [{"role": "user", "content": [part]}]}

    for part, words in (
        ({"type": "input_image", "image_url": REMOTE}, "Nothing is fetched"),
        ({"type": "input_file", "file_url": REMOTE}, "Nothing is fetched"),
        ({"type": "input_image", "file_id": "file-x"}, "no uploaded files"),
        ({"type": "input_image"}, "data URL"),
        ({"type": "input_audio", "input_audio": {}}, "nothing else"),
        ({"type": "input_image", "image_url": url(b"\x7fELF\0")}, "kind of file"),
    ):
        said = v1("responses", 415 if "kind" in words else 400, **asked(part))["error"]
        assert words in said["message"]
        assert said["param"] == "input"
    v1("responses", 400, input=[{"role": "system", "content": [PARTS["image"][0]]}])
    settings.STREAMS = {**settings.STREAMS, "models": {"scripted": {"takes": {"demo": []}}}}
    assert "images" in v1("responses", 400, **asked(PARTS["image"][0]))["error"]["message"]
    assert not Attachment.objects.exists()
    settings.STREAMS = {**settings.STREAMS, "models": {}}
    for content in (sample_files.png(), sample_files.png(), sample_files.GIF):
        body = asked({"type": "input_image", "image_url": url(content)})
        answer = v1.client.post(
            "/v1/responses", json.dumps(body), content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )  # fmt: skip
        assert answer.status_code == (409 if content == sample_files.GIF else 200)
    assert Attachment.objects.count() == Run.objects.count() == 1


def test_a_conversation_begins_and_goes_on_with_files(v1):
    item = {"role": "user", "content": [PARTS["file"][0]]}
    made = v1("conversations", items=[item])
    told = v1(f"conversations/{made['id']}/items", items=[item])
    assert told["data"][0]["content"][0]["type"] == "input_image"
    assert len(told["data"][0]["content"]) == 1, "and no empty text"
    messages = Conversation.objects.get().messages
    assert [m.attachments.count() for m in messages.all()] == [1, 1]


def test_a_long_body_is_files_or_refused_before_it_is_parsed(v1, settings, monkeypatch):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    picture = {"type": "input_image", "image_url": url(sample_files.png(90, 90) + b"x" * 5000)}
    asked = [{"role": "user", "content": [picture]}]
    v1("responses", model=MODEL, input=asked, background=True)
    monkeypatch.setattr("streams.dialects.endpoint.json_of", lambda *_, **__: pytest.fail("did"))
    asked[0]["content"] += [{}] * 1000
    assert v1("responses", 413, input=asked)["error"]["code"] == "too_large"
    settings.STREAMS = {**settings.STREAMS, "attachment_bytes": 1000}
    v1("responses", 413, input=asked)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_has_its_bound_also_where_no_length_is_announced(announced, settings, monkeypatch):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    settings.STREAMS = {**settings.STREAMS, "attachment_bytes": 6000}

    def read(body):
        length = [(b"content-length", b"%d" % len(body))] if announced else []
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b""}
        scope["headers"] = [(b"content-type", b"application/json"), *length]
        return body_with_files(ASGIRequest(scope, BytesIO(body)))

    assert read(b"") == {}
    assert read(b'{"a": 1}') == {"a": 1}
    assert len(read(b'{"a": "%s"}' % (b"x" * 5000))["a"]) == 5000
    monkeypatch.setattr("streams.dialects.endpoint.json_of", lambda *_, **__: pytest.fail("did"))
    for body in (b'{"a": [%s]}' % (b"1," * 2000), b'{"a": "%s"}' % (b"x" * 20_000)):
        with pytest.raises(TooLarge):
            read(body)


TWICE = {
    "plain": [sample_files.png()],
    "with metadata": [sample_files.PHOTO_JPEG, sample_files.PHOTO_PNG],
    "one file twice": [sample_files.png(), sample_files.png()],
}


@pytest.mark.parametrize("contents", TWICE.values(), ids=TWICE)
def test_a_request_that_comes_again_is_known_by_what_is_kept_of_its_files(
    contents, anna, laptop, v1
):
    prompt = of_ai_sdk(*[as_file(url(each)) for each in contents])
    run = message_lists.ask(anna, laptop, prompt)
    assert message_lists.ask(anna, laptop, prompt) == run
    count = Attachment.objects.count()
    assert count == len(set(contents))
    parts = [{"type": "input_image", "image_url": url(each)} for each in contents]
    body = {"model": MODEL, "background": True, "input": [{"role": "user", "content": parts}]}
    for _ in range(2):
        answer = v1.client.post(
            "/v1/responses", json.dumps(body), content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )  # fmt: skip
        assert answer.status_code == 200
    assert (Run.objects.count(), Attachment.objects.count()) == (2, 2 * count)


def test_of_two_that_come_at_once_one_is_answered(anna, laptop):
    prompt = of_ai_sdk(as_file(url()))
    values = message_lists.settings_in(anna, prompt)
    with Storing(anna, "messages") as one, Storing(anna, "messages") as other:
        files = [message_lists.files_in(anna, prompt, each, values) for each in (one, other)]
        runs = [message_lists.asked(anna, laptop, prompt, values, own, None) for own in files]
    assert runs[0] == runs[1]
    assert Attachment.objects.get().message == runs[0].prompt


def history(length, file=False):
    for n in range(length):
        parts = (
            [as_file(url(sample_files.png(n + 1)))] if file else [{"type": "text", "text": "Hi"}]
        )
        yield {"id": f"u{n}", "role": "user", "parts": parts}
        yield {"id": f"a{n}", "role": "assistant", "parts": [{"type": "text", "text": "Yes"}]}


def with_history(before, *parts):
    text = {"type": "text", "text": "What?"}
    prompt = {"id": "prompt", "role": "user", "parts": [*parts, text]}
    return ai_sdk({"id": "chat", "messages": [*before, prompt], "model": MODEL})


def test_how_much_is_asked_of_the_database_is_not_for_a_history_to_say(anna, laptop):
    def queries(length):
        message_lists.ask(anna, laptop, with_history(history(length))._replace(name=f"of {length}"))
        more = [*with_history(history(length)).messages, *with_history([], as_file(url())).messages]
        more[-1] = more[-1]._replace(id="more")
        again = with_history([])._replace(name=f"of {length}", messages=more)
        with CaptureQueriesContext(connection) as asked:
            message_lists.ask(anna, laptop, again)
        return len(asked)

    assert queries(9) == queries(3)


def test_the_files_of_a_request_have_a_bound_of_their_own(anna, laptop, settings):
    settings.STREAMS = settings.STREAMS | {"attachments_unsent": 2, "attachments_per_request": 4}
    message_lists.ask(
        anna, laptop, with_history(history(3, file=True), as_file(url(sample_files.GIF)))
    )
    assert Attachment.objects.exclude(message=None).count() == 4
    more = with_history(history(4, file=True), as_file(url(sample_files.GIF)))._replace(name="more")
    with pytest.raises(TooManyFiles, match="go with one request"):
        message_lists.ask(anna, laptop, more)


@pytest.mark.parametrize(
    "bound", ["budget_tokens", "running_per_user", "prompt_characters", "takes"]
)
def test_what_will_be_refused_is_refused_before_its_files_are_stored(
    bound, v1, anna, laptop, settings, monkeypatch
):
    message_lists.ask(anna, laptop, of_ag_ui())
    Usage.objects.create(owner=anna, month=budgets.this_month(), model="x:y", input_tokens=9)
    more = {"models": {"scripted": {"takes": {"demo": []}}}} if bound == "takes" else {bound: 1}
    settings.STREAMS = settings.STREAMS | more
    stored = "streams.dialects.files.store"
    monkeypatch.setattr(stored, lambda *_, **__: pytest.fail("did"))
    with pytest.raises(StreamsError):
        message_lists.ask(anna, laptop, of_ai_sdk(as_file(url())))
    for path, name in (("responses", "input"), ("chat/completions", "messages")):
        image = {"type": "image_url", "image_url": {"url": url()}}
        asked = [{"role": "user", "content": [image, {"type": "text", "text": "What?"}]}]
        body = json.dumps({"model": MODEL, name: asked})
        answer = v1.client.post(f"/v1/{path}", body, content_type="application/json")
        assert 400 <= answer.status_code < 500
