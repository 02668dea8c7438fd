"""Answers as vendors were seen to send them, from their bytes to the row of the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async

from streams.conf import Settings
from streams.models import Event
from streams.providers.anthropic import Anthropic
from streams.providers.base import BlockEnded, BlockStarted, Kind
from streams.providers.openai_chat import OpenAIChat
from streams.worker import process
from streams.worker.writer import Writer
from tests.providers.vendor import Vendor
from tests.providers.vendor_streams import bare, completion
from tests.worker.in_process_worker import assert_whole, post, status, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]

CASES = Path(__file__).parents[1] / "model_outputs"
SECRET = "sk-test-0123456789abcdef"


@pytest.fixture
async def vendor():
    async with Vendor() as vendor:
        yield vendor


@pytest.fixture
async def ask(vendor, monkeypatch):
    """Have every worker ask this vendor, through the adapter for its API."""
    made = []

    def ask(api: str = "openai-chat"):
        base, make = ("", Anthropic) if api == "anthropic" else ("/v1", OpenAIChat)
        made.append(make(SECRET, vendor.url + base))
        monkeypatch.setattr(process, "resolve", lambda name: (made[-1], name))
        return made[-1]

    yield ask
    for provider in made:
        await provider.aclose()


async def answered(conversation, laptop, text="Hello", **settings):
    """The run of one prompt, once it has ended."""
    run = await post(conversation, laptop, text)
    async with working(**settings):
        done = await status(run, "completed", "failed")
    await assert_whole(run)
    return done


def told(run, kind="text"):
    return "".join(block["text"] for block in run.answer.blocks if block["kind"] == kind)


@pytest.mark.parametrize(
    ("case", "state", "reason"),
    [
        ("usage_without_choices", "completed", "end_turn"),
        ("comment_as_data", "completed", "end_turn"),
        ("think_tags_cut_over_tokens", "completed", "end_turn"),
        ("empty_frames", "completed", "end_turn"),
        ("frame_glued_to_another", "completed", "end_turn"),
        ("stream_without_content", "failed", "empty"),
        ("server_tools_then_pause", "completed", "pause_turn"),
        ("refusal_after_text", "completed", "refusal"),
    ],
)
async def test_an_answer_as_a_vendor_sent_it(
    vendor, ask, conversation, laptop, case, state, reason
):
    told_by = json.loads((CASES / f"{case}.json").read_text())
    ask(told_by["api"])
    vendor.says((CASES / f"{case}.sse").read_bytes(), headers=told_by["headers"])
    done = await answered(conversation, laptop)
    assert (done.status, done.stop_reason or done.error_code) == (state, reason)
    if told_by["text"] is not None:
        assert told(done) == told_by["text"]
    assert all(part in told(done) for part in told_by.get("text_contains", ()))
    assert told(done, "reasoning") == told_by.get("reasoning", "")
    if usage := told_by.get("usage"):
        wanted = {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
        }
        assert done.usage == wanted
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    ("body", "code", "requests"),
    [
        (b"data: {oops\n\n", "protocol", 1),
        (b"<html>Sign in</html>", "protocol", 1),
        (bare(completion({"content": 7})), "protocol", 1),
        (b"data: [DONE]\n\n", "unavailable", 3),
    ],
)
async def test_what_could_not_be_read_would_come_again_and_is_not_asked_for(
    vendor, ask, conversation, laptop, body, code, requests
):
    ask()
    vendor.says(body)
    done = await answered(conversation, laptop)
    assert (done.error_code, done.retryable) == (code, True)
    assert len(vendor.requests) == requests


@pytest.mark.parametrize("at_once", [True, False])
async def test_text_is_the_same_whether_the_writer_takes_it_at_once_or_after_a_wait(
    vendor, ask, conversation, laptop, monkeypatch, at_once
):
    if not at_once:
        monkeypatch.setattr(Writer, "write_now", lambda *_, **__: False)
    ask()
    said = ("<think>Hm", ".</think>", "A\x00", "\U0001f30d!", "x" * 200)
    vendor.says(bare(*(completion({"content": text}) for text in said), completion({}, "stop")))
    done = await answered(conversation, laptop, answer_characters=20)
    assert (done.status, done.stop_reason) == ("completed", "max_tokens")
    assert told(done, "reasoning") == "Hm."
    assert told(done) == "A\ufffd\U0001f30d!" + "x" * 13
    assert done.first_token_at


async def test_an_answer_of_thoughts_alone_is_empty_and_they_are_kept(
    vendor, ask, conversation, laptop
):
    ask()
    vendor.says(bare(completion({"content": "<think>Hm.</think>\n\n"}), completion({}, "stop")))
    done = await answered(conversation, laptop)
    assert (done.error_code, done.retryable) == ("empty", True)
    assert told(done, "reasoning") == "Hm."


async def test_a_model_that_was_silent_for_as_long_as_we_wait_is_not_asked_again(
    model, conversation, laptop
):
    done = await answered(conversation, laptop, first_token_timeout=0.2)
    assert done.error_code == "timeout"
    assert len(model.prompts) == 1


def test_the_default_waits_for_a_long_prompt_to_be_read():
    assert Settings().first_token_timeout >= 300
    assert Settings().next_token_timeout >= 120


async def test_a_failure_is_logged_once_with_its_cause_and_without_a_secret(
    vendor, ask, conversation, laptop, caplog, client, anna
):
    ask()
    said = f"You sent 'Whisper it' with {SECRET}"
    vendor.refuses(429, {"error": {"code": "insufficient_quota", "type": SECRET, "message": said}})
    done = await answered(conversation, laptop, "Whisper it")
    [line] = [it for it in caplog.messages if str(done.uuid) in it]
    assert "openai-chat failed as quota" in line
    assert "status 429" in line
    assert "vendor insufficient_quota" in line
    assert "RateLimitError" in line
    assert SECRET not in caplog.text
    assert "Whisper" not in caplog.text
    assert done.error_code == "quota"
    assert not done.retryable
    assert "key" not in done.error_message
    assert done.vendor_error == "429 insufficient_quota"
    anna.is_staff = anna.is_superuser = True
    await anna.asave()
    await client_login(client, anna)
    for path in ("", f"{done.pk}/change/", "?q=insufficient_quota"):
        page = await sync_to_async(client.get)(f"/admin/streams/run/{path}")
        assert "429 insufficient_quota" in page.content.decode(), path


@sync_to_async
def client_login(client, user):
    client.force_login(user)


async def test_every_time_a_model_is_asked_again_is_logged(
    vendor, ask, conversation, laptop, caplog
):
    ask()
    vendor.refuses(503, {"error": {"type": "overloaded_error"}}, retry_after="0")
    done = await answered(conversation, laptop)
    lines = [it for it in caplog.messages if str(done.uuid) in it]
    again = "openai-chat is asked again after overloaded (status 503, vendor overloaded_error"
    assert [again in line for line in lines] == [True, True, False]
    assert "failed as overloaded" in lines[-1]


async def test_a_service_that_is_not_there_is_logged_by_what_the_system_said(
    ask, conversation, laptop, caplog, monkeypatch, unused_tcp_port
):
    provider = OpenAIChat(SECRET, f"http://127.0.0.1:{unused_tcp_port}/v1")
    monkeypatch.setattr(process, "resolve", lambda name: (provider, name))
    done = await answered(conversation, laptop, provider_retries=1)
    await provider.aclose()
    [line] = [it for it in caplog.messages if str(done.uuid) in it]
    assert "ECONNREFUSED" in line


async def test_blocks_without_a_word_are_counted(model, conversation, laptop):
    for index in range(1000):
        model.tell(BlockStarted(index, Kind.TOOL_CALL, "look", "call")).tell(BlockEnded(index))
    done = await answered(conversation, laptop, answer_blocks=10)
    assert (done.status, done.stop_reason) == ("completed", "max_tokens")
    assert len(done.answer.blocks) == 10


async def test_the_names_of_calls_count_as_what_is_said(model, conversation, laptop):
    for index in range(1000):
        model.tell(BlockStarted(index, Kind.TOOL_CALL, "n" * 5, "i" * 5)).tell(BlockEnded(index))
    done = await answered(conversation, laptop, answer_characters=100)
    assert done.stop_reason == "max_tokens"
    assert len(done.answer.blocks) == 10


async def test_a_delta_is_cut_to_its_bound_before_it_is_written(model, conversation, laptop):
    model.say("1234567890").say("x" * 1_000_000)
    done = await answered(conversation, laptop, answer_characters=100)
    assert done.stop_reason == "max_tokens"
    assert done.answer.text == "1234567890" + "x" * 90
    rows = Event.objects.filter(run_id=done.pk, type="block.delta")
    assert await sync_to_async(lambda: max(len(row.data["text"]) for row in rows))() == 90


async def test_an_answer_exactly_as_long_as_its_bound_is_whole(model, conversation, laptop):
    model.say("x" * 100).finish()
    done = await answered(conversation, laptop, answer_characters=100)
    assert done.stop_reason == "end_turn"
    assert done.answer.text == "x" * 100
