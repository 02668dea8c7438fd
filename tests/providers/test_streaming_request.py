"""How each vendor's server may fail, and which error code that becomes."""

from __future__ import annotations

import asyncio
import errno
import gzip
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from streams.providers import http_client, response_body
from streams.providers.anthropic import Anthropic
from streams.providers.base import (
    BlockDelta,
    Code,
    Prompt,
    Provider,
    ProviderError,
    ProviderEvent,
    Turn,
)
from streams.providers.base_url import base_of
from streams.providers.errors import cut
from streams.providers.local import Local
from streams.providers.openai import OpenAI
from streams.providers.openai_chat import OpenAIChat
from tests.providers.http_adapters import Dialect, greeting, joined, read
from tests.providers.vendor import Then, Vendor
from tests.providers.vendor_streams import SAID, bare, named

UNKNOWN = named({"type": "vendor.new_feature", "delta": "?"}) + b": comment\n\nretry: 100\n\n"


async def failure(provider: Provider, prompt: Prompt) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await read(provider, prompt)
    return caught.value


async def test_thought_text_usage_and_reason_arrive(provider, vendor, dialect, prompt) -> None:
    vendor.says(dialect.whole)
    assert joined(await read(provider, prompt)) == greeting(dialect.usage)


async def test_a_stream_sent_byte_by_byte_says_the_same(provider, vendor, dialect, prompt) -> None:
    vendor.says(*(bytes([byte]) for byte in dialect.whole))
    assert joined(await read(provider, prompt)) == greeting(dialect.usage)


async def test_a_stream_without_framing_says_the_same(provider, vendor, dialect, prompt) -> None:
    vendor.says(dialect.whole, chunked=False)
    assert joined(await read(provider, prompt)) == greeting(dialect.usage)


async def test_the_body_is_read_from_the_reader_inside_of_the_sdks_response(
    provider, vendor, dialect, prompt, monkeypatch
) -> None:
    found: list[object] = []
    look = response_body.inner_reader

    def looked(response: httpx2.Response) -> object:
        found.append(look(response))
        return found[-1]

    monkeypatch.setattr(response_body, "inner_reader", looked)
    vendor.says(dialect.whole)
    await read(provider, prompt)
    assert len(found) == 1, "the SDK's response is read in another place"
    assert found[0] is not None, "the SDK has another reader: tokens cost twice as much to read"


@pytest.mark.parametrize("then", [None, Then.CUT])
async def test_a_response_of_another_kind_is_read_in_the_public_way(
    provider, vendor, dialect, prompt, monkeypatch, then
) -> None:
    monkeypatch.setattr(response_body, "inner_reader", lambda response: None)
    if then:
        vendor.says(dialect.begin, then)
        assert (await failure(provider, prompt)).code is Code.UNAVAILABLE
    else:
        vendor.says(dialect.whole)
        for _ in range(2):
            assert joined(await read(provider, prompt)) == greeting(dialect.usage)
        assert vendor.connections == 1


async def test_the_request_carries_prompt_key_and_path(provider, vendor, dialect) -> None:
    vendor.says(dialect.whole)
    turns = [
        Turn.of("user", "Hi."),
        Turn.of("assistant", "Hello."),
        Turn.of("user", "Greet me, 🌍."),
    ]
    await read(provider, Prompt("some-model", turns, system="Be kind.", max_tokens=64))

    (request,) = vendor.requests
    messages = request.body.get("messages") or request.body["input"]
    assert request.path == dialect.path
    assert request.body["model"] == "some-model"
    assert request.body["stream"] is True
    assert "Be kind." in str(request.body)
    assert 64 in request.body.values()
    assert messages[-3:] == [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Greet me, 🌍."},
    ]
    key = request.headers.get("x-api-key") or request.headers["authorization"]
    assert key.split()[-1] == ("none" if provider.name == "local" else "sk-test")


async def test_unknown_events_are_skipped_and_counted(provider, vendor, dialect, prompt) -> None:
    vendor.says(UNKNOWN, dialect.begin, UNKNOWN, dialect.end)
    assert joined(await read(provider, prompt)) == greeting(dialect.usage)
    assert provider.skipped == 2


async def test_the_connection_is_used_again(provider, vendor, dialect, prompt) -> None:
    vendor.says(dialect.whole)
    for _ in range(3):
        await read(provider, prompt)
    assert len(vendor.requests) == 3
    assert vendor.connections == 1


@pytest.mark.parametrize("then", [Then.CUT, Then.RESET])
async def test_a_connection_cut_in_an_answer_is_unavailable(
    provider, vendor, dialect, prompt, then
) -> None:
    vendor.says(dialect.begin, b'data: {"type": "respo', then)
    shown: list[ProviderEvent] = []
    with pytest.raises(ProviderError) as caught:
        await read(provider, prompt, shown)
    assert caught.value.code is Code.UNAVAILABLE
    assert "".join(e.text for e in shown if isinstance(e, BlockDelta)).endswith(SAID)


@pytest.mark.parametrize("then", [Then.CUT, Then.RESET])
async def test_a_connection_cut_before_an_answer_is_unavailable(
    provider, vendor, prompt, then
) -> None:
    vendor.says(before=(then,))
    assert (await failure(provider, prompt)).code is Code.UNAVAILABLE


async def test_a_body_that_ends_early_is_unavailable(provider, vendor, dialect, prompt) -> None:
    vendor.says(dialect.begin)
    assert (await failure(provider, prompt)).code is Code.UNAVAILABLE


async def test_nobody_listening_is_unavailable(dialect, prompt, unused_tcp_port) -> None:
    provider = dialect.provider(f"http://127.0.0.1:{unused_tcp_port}")
    assert (await failure(provider, prompt)).code is Code.UNAVAILABLE
    await provider.aclose()


@pytest.mark.parametrize(
    "body",
    [b"data: {oops\n\n", b"data: [1]\n\n", b"data: \xff\n\n", b"<html>Sign in</html>", b""],
    ids=["json", "list", "utf-8", "html", "nothing"],
)
async def test_what_cannot_be_read_is_a_protocol_error(provider, vendor, prompt, body) -> None:
    vendor.says(body) if body else vendor.says()
    assert (await failure(provider, prompt)).code is Code.PROTOCOL


async def test_an_event_of_another_shape_is_a_protocol_error(provider, vendor, prompt) -> None:
    vendor.says(
        bare(
            {"type": "response.output_text.delta", "delta": 7, "choices": [3]},
            {"type": "content_block_delta", "delta": 7, "choices": 3},
        )
    )
    assert (await failure(provider, prompt)).code is Code.PROTOCOL


async def test_an_answer_that_is_not_http_is_a_protocol_error(provider, vendor, prompt) -> None:
    vendor.says(b"", Then.CUT)
    vendor._head = b"SSH-2.0-OpenSSH_9.6\r\n\r\n"
    assert (await failure(provider, prompt)).code is Code.PROTOCOL


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"error": {"code": "context_length_exceeded"}}, Code.CONTEXT_LENGTH),
        (400, {"error": {"type": "exceed_context_size_error"}}, Code.CONTEXT_LENGTH),
        (400, {"error": {"message": "prompt is too long: 9 tokens > 8"}}, Code.CONTEXT_LENGTH),
        (400, {"error": {"code": "content_policy_violation"}}, Code.CONTENT_FILTER),
        (400, {"error": {"type": "invalid_request_error"}}, Code.BAD_REQUEST),
        (400, ["no", "object"], Code.BAD_REQUEST),
        (401, {"error": {"message": "sk-test is wrong"}}, Code.AUTH),
        (400, {"error": {"message": "Your credit balance is too low"}}, Code.QUOTA),
        (402, {"error": {"type": "billing_error"}}, Code.QUOTA),
        (403, {}, Code.AUTH),
        (404, {"error": {"code": "model_not_found"}}, Code.BAD_REQUEST),
        (408, {}, Code.TIMEOUT),
        (413, {"error": {"type": "request_too_large"}}, Code.CONTEXT_LENGTH),
        (422, {}, Code.BAD_REQUEST),
        (429, {"error": {"type": "rate_limit_error"}}, Code.RATE_LIMITED),
        (429, {"error": {"code": "insufficient_quota"}}, Code.QUOTA),
        (500, {"error": {"type": "api_error"}}, Code.UNAVAILABLE),
        (502, {}, Code.UNAVAILABLE),
        (503, {}, Code.OVERLOADED),
        (529, {"error": {"type": "overloaded_error"}}, Code.OVERLOADED),
    ],
)
async def test_a_refused_request_has_a_code_and_is_asked_once(
    provider, vendor, prompt, status, body, code
) -> None:
    vendor.refuses(status, body)
    error = await failure(provider, prompt)
    assert error.code is code
    assert "sk-test" not in str(error)
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("status", [200, 302, 400, 500])
async def test_a_body_that_unpacks_to_any_size_is_not_unpacked(
    provider, vendor, prompt, status
) -> None:
    bomb = gzip.compress(bytes(32_000_000))
    vendor.says(bomb, status=status, headers={"content-encoding": "gzip"})
    tracemalloc.start()
    error = await failure(provider, prompt)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.code in (Code.PROTOCOL, Code.BAD_REQUEST, Code.UNAVAILABLE)
    assert peak < 5_000_000
    assert vendor.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [302, 400, 429, 500])
async def test_an_error_that_never_ends_is_read_to_its_bound(
    provider, vendor, prompt, status
) -> None:
    vendor.says(bytes(65_536), Then.ON_AND_ON, status=status)
    async with asyncio.timeout(5):
        error = await failure(provider, prompt)
        await vendor.left.wait()
    assert error.status == status
    assert vendor.sent < 20_000_000, "what the system's own buffers hold"


@pytest.mark.parametrize("then", [Then.SILENCE, Then.CUT])
async def test_an_error_that_is_not_told_to_its_end_is_known_by_its_status(
    provider, vendor, prompt, then, monkeypatch
) -> None:
    monkeypatch.setattr(http_client, "ERROR_SECONDS", 0.2)
    vendor.says(b'{"error": ', then, status=429, headers={"retry-after": "7"})
    async with asyncio.timeout(5):
        error = await failure(provider, prompt)
    assert (error.code, error.status, error.retry_after) == (Code.RATE_LIMITED, 429, 7)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (
            {"error": {"type": "insufficient_quota", "code": "insufficient_quota"}},
            "insufficient_quota",
        ),
        (
            {"error": {"type": "invalid_request_error", "code": "model_not_found"}},
            "invalid_request_error model_not_found",
        ),
        ({"error": {"code": 1113}}, "1113"),
        ({"type": "error", "error": {"type": "api_error"}}, "api_error"),
        ({"error": {"type": "sk-proj-abc", "code": "Tell me a secret"}}, ""),
        ({"error": {"type": "a1B2c3D4e5F6g7H8", "code": "x" * 65}}, ""),
        ({"error": {"type": ["x"], "code": True}}, ""),
        ({"error": "insufficient_quota"}, ""),
        (["no", "object"], ""),
    ],
)
async def test_the_vendors_own_names_for_a_failure_are_told_and_nothing_else(
    provider, vendor, prompt, body, named
) -> None:
    vendor.refuses(418, body)
    error = await failure(provider, prompt)
    assert error.source == f"418 {named}".rstrip()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "30", "retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Fri, 31 Dec 9999 23:59:59 -0100"}, None),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "nan"}, None),
        ({}, None),
    ],
)
async def test_a_rate_limit_says_when_to_come_back(
    provider, vendor, prompt, headers, seconds
) -> None:
    vendor.refuses(429, **headers)
    assert (await failure(provider, prompt)).retry_after == seconds


async def test_a_rate_limit_may_name_a_date(provider, vendor, prompt) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    vendor.refuses(429, retry_after=date)
    error = await failure(provider, prompt)
    assert error.retry_after == pytest.approx(60, abs=2)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, Code.OVERLOADED),
        ({"type": "rate_limit_error"}, Code.RATE_LIMITED),
        ({"type": "api_error"}, Code.UNAVAILABLE),
        ({"code": "rate_limit_exceeded"}, Code.RATE_LIMITED),
        ({"code": "server_error"}, Code.UNAVAILABLE),
        ({"code": 503, "type": "unavailable_error"}, Code.OVERLOADED),
        ({"message": "who knows"}, Code.UNAVAILABLE),
    ],
)
async def test_an_error_in_an_answer_has_a_code(
    provider, vendor, dialect, prompt, error, code
) -> None:
    vendor.says(dialect.begin, bare({"type": "error", "error": error}))
    assert (await failure(provider, prompt)).code is code


async def test_the_cause_of_a_failure_is_kept(provider: Provider, vendor: Vendor, prompt) -> None:
    vendor.refuses(500)
    assert (await failure(provider, prompt)).__cause__ is not None


async def test_a_failure_nobody_foresaw_is_internal(
    dialect: Dialect, provider: Provider, prompt, monkeypatch
) -> None:
    class Surprise(Exception):
        pass

    def surprise(*_: object, **__: object) -> None:
        raise Surprise

    monkeypatch.setattr("streams.providers.streaming_request.Frames", surprise)
    error = await failure(provider, prompt)
    assert error.code is Code.INTERNAL
    assert isinstance(error.__cause__, Surprise)


async def test_silence_is_left_to_whoever_waits(provider, vendor, dialect, prompt) -> None:
    """The run has its own limits between tokens; the adapter must pass them through."""
    vendor.says(before=(Then.SILENCE,))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await read(provider, prompt)


@pytest.mark.parametrize(("asked", "given"), [(64, 64), (4096, 1024)])
async def test_the_small_local_model_is_not_let_ramble(vendor, asked: int, given: int) -> None:
    local = Local(vendor.url)
    await failure(local, Prompt("smollm2", [Turn.of("user", "Hi.")], max_tokens=asked))
    await local.aclose()
    assert vendor.requests[0].body["max_tokens"] == given


@pytest.mark.parametrize(
    "pasted",
    [
        *("", "/", "//", "/v1", "/v1/", "/v1/chat/completions", "/v1/chat/completions/ "),
        *("/v1/responses", "/v1/messages", "/v1/messages/", "/v1/models"),
    ],
)
async def test_a_pasted_address_is_understood(vendor, dialect, prompt, pasted) -> None:
    make = {"openai": OpenAI, "openai-chat": OpenAIChat, "anthropic": Anthropic}.get(dialect.name)
    address = vendor.url + pasted
    provider = make("sk-test", address) if make else Local(address)
    vendor.says(dialect.whole)
    await read(provider, prompt)
    await provider.aclose()
    # OpenAI's SDK takes the version from the address: some servers have none.
    versioned = "/v1" in pasted or not dialect.name.startswith("openai")
    path = dialect.path if versioned else dialect.path.removeprefix("/v1")
    assert [request.path for request in vendor.requests] == [path]


def test_an_address_with_a_query_stays_as_it_is() -> None:
    assert base_of("https://x/openai/chat?v=1") == "https://x/openai/chat?v=1"


def test_a_failure_that_is_its_own_cause_is_told_all_the_same():
    failure = ProviderError(Code.PROTOCOL)
    failure.__cause__ = again = ConnectionResetError(errno.ECONNRESET, "reset")
    again.__cause__ = failure
    assert failure.described() == "protocol (cause ConnectionResetError ECONNRESET)"
    assert cut(failure) is Code.UNAVAILABLE
