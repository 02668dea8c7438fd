"""A model is told the files of a prompt in the form its API takes, and those it has room for."""

from __future__ import annotations

import dataclasses
from base64 import b64encode
from io import BytesIO
from uuid import UUID, uuid4

import orjson
import pytest

from streams.attachments import storage
from streams.conf import conf
from streams.providers import anthropic_request, openai_request
from streams.providers.base import File, Prompt, Text, Turn
from streams.worker import attached_files, conversation_history
from streams.worker.usage import estimated
from tests import sample_files

PNG = sample_files.png()
IMAGE_URL = f"data:image/png;base64,{b64encode(PNG).decode()}"
PDF_URL = f"data:application/pdf;base64,{b64encode(sample_files.PDF).decode()}"
SEES = "scripted:demo"


def stored(content, name, type, **more):
    id = uuid4()
    storage.write(storage.place_of(id), BytesIO(content))
    return {"id": str(id), "name": name, "type": type, "size": len(content), **more}


def block(reference):
    return {"index": 1, "kind": "attachment", "text": "", **reference}


def prompt(*exchanges, fate=None):
    """Of exchanges of a text with its files, and an answer; the last has none."""
    history = [
        [[{"index": 0, "kind": "text", "text": text}, *map(block, files)],
         [{"index": 0, "kind": "text", "text": answer}] if answer else None,
         fate, "user", None, None]
        for text, files, answer in exchanges
    ]  # fmt: skip
    return Prompt("m", conversation_history.turns(orjson.dumps(history).decode()))


async def told(asked, model=SEES, **changed):
    return await attached_files.loaded(asked, model, dataclasses.replace(conf(), **changed))


async def test_each_api_is_given_the_files_as_it_takes_them():
    image = stored(PNG, "a.png", "image/png", width=3, height=2)
    pdf = stored(sample_files.PDF, "b.pdf", "application/pdf")
    text = stored("\ufeffGrüße\0".encode(), "c.md", "text/plain")
    asked = await told(prompt(("Look", [image, pdf, text], None)))

    words = '<file name="c.md">\nGrüße\ufffd\n</file>\n\n'
    assert openai_request.responses_input(asked, "openai") == [
        {"role": "user", "content": [
            {"type": "input_image", "image_url": IMAGE_URL},
            {"type": "input_file", "filename": "b.pdf", "file_data": PDF_URL},
            {"type": "input_text", "text": words}, {"type": "input_text", "text": "Look"}]}
    ]  # fmt: skip
    assert [*openai_request.chat_messages(asked, "openai-chat")] == [
        {"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": IMAGE_URL}},
            {"type": "file", "file": {"filename": "b.pdf", "file_data": PDF_URL}},
            {"type": "text", "text": words}, {"type": "text", "text": "Look"}]}
    ]  # fmt: skip
    plain = {"type": "base64", "media_type": "image/png", "data": IMAGE_URL.split(",")[1]}
    page = {"type": "base64", "media_type": "application/pdf", "data": PDF_URL.split(",")[1]}
    assert anthropic_request.messages(asked, "anthropic") == [
        {"role": "user", "content": [
            {"type": "image", "source": plain},
            {"type": "document", "source": page, "title": "b.pdf"},
            {"type": "text", "text": words}, {"type": "text", "text": "Look"}]}
    ]  # fmt: skip


async def test_a_prompt_of_files_alone_and_one_of_text_alone():
    image = stored(PNG, "a.png", "image/png", width=3, height=2)
    asked = await told(prompt(("", [image], None)))
    assert [type(part) for part in asked.turns[0].parts] == [File]
    assert asked.turns[0].parts[0].data == PNG
    assert repr(PNG) not in repr(asked)
    plain = prompt(("One", [], "Two"), ("Three", [], None))
    assert await told(plain) is plain
    assert [turn.text for turn in plain.turns] == ["One", "Two", "Three"]


async def test_what_a_model_cannot_take_or_is_not_there_is_told_by_name():
    image = stored(PNG, "a.png", "image/png", width=3, height=2)
    asked = await told(prompt(("Look", [image], None)), "local:smollm2")
    (turn,) = asked.turns
    assert turn.text == ("[The file a.png was sent here, which this model cannot read.]\n\nLook")
    storage.delete(storage.place_of(UUID(image["id"])))
    asked = await told(prompt(("Look", [image], None)))
    assert asked.turns[0].text.startswith("[The file a.png is no longer there.]")


@pytest.mark.parametrize("bound", [{"attachment_tokens": 250}, {"attachment_bytes_again": 150}])
async def test_earlier_files_are_told_as_long_as_there_is_room_the_newest_first(bound):
    sent = [stored(PNG, f"{n}.png", "image/png", width=300, height=250) for n in range(4)]
    exchanges = [(f"Look {n}", [sent[n]], "Yes") for n in range(3)] + [("Now", [sent[3]], None)]
    asked = await told(prompt(*exchanges), **bound)

    mine = [turn.parts[0] for turn in asked.turns if turn.role == "user"]
    assert [isinstance(part, File) for part in mine] == [False, True, True, True]
    assert "0.png was sent here before" in mine[0].text
    assert estimated(asked, 0)["input_tokens"] >= 300
    again = await told(prompt(*exchanges), attachment_tokens=0, attachment_bytes_again=0)
    assert [isinstance(turn.parts[0], File) for turn in again.turns[::2]] == [False] * 3 + [True]


async def test_files_of_a_prompt_that_was_refused_are_told_by_name_and_no_more():
    image = stored(PNG, "a.png", "image/png", width=3, height=2)
    asked = prompt(("Look", [image], None), ("Hello", [], None), fate="refused")
    (turn,) = (await told(asked)).turns
    assert turn.text.split("\n\n") == [
        "[The file a.png was sent here before; it is not shown again.]", "Look", "Hello"
    ]  # fmt: skip


async def test_one_request_holds_so_many_bytes_whatever_is_new():
    sent = [stored(PNG, f"{n}.png", "image/png", width=3, height=2) for n in range(3)]
    asked = prompt(*(("Look", [each], None) for each in sent))
    (turn,) = (await told(asked, attachment_bytes_at_once=2 * len(PNG))).turns
    files = [part.name for part in turn.parts if isinstance(part, File)]
    assert files == ["1.png", "2.png"]
    assert "0.png was sent here before" in turn.text


async def test_prompts_in_a_row_are_told_together_with_their_files():
    image = stored(PNG, "a.png", "image/png", width=3, height=2)
    asked = await told(prompt(("One", [image], None), ("Two", [], None)))
    (turn,) = asked.turns
    assert isinstance(turn.parts[0], File)
    assert turn.parts[1:] == (Text("One"), Text("Two"))
    assert isinstance(turn, Turn)
