"""Later requests to a service equal those that its SDK would have sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.providers.base import Code, ProviderError, Turn
from tests.providers.http_adapters import greeting, joined, read


def but_length(headers: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name != "content-length"}


async def test_later_requests_have_all_that_the_sdks_own_have(
    provider, vendor, dialect, prompt
) -> None:
    vendor.says(dialect.whole)
    other = replace(prompt, turns=[Turn.of("user", "Say – something else – at length.")])
    for asked in (prompt, other, prompt):
        assert joined(await read(provider, asked)) == greeting(dialect.usage)
    fresh = dialect.provider(vendor.url)
    await read(fresh, other)
    await fresh.aclose()
    first, second, third, by_sdk = vendor.requests
    assert second.body == by_sdk.body != first.body == third.body
    assert (second.path, second.headers) == (by_sdk.path, by_sdk.headers)
    assert third.headers == first.headers
    assert but_length(first.headers) == but_length(second.headers)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"type": "rate_limit_error", "code": "insufficient_quota"}}),
        (400, {"error": {"message": "The prompt is too long: 9 tokens"}}),
        (500, "Oh no"),
        (302, None),
    ],
)
async def test_later_refusals_are_read_as_the_first(
    provider, vendor, dialect, prompt, status, body
) -> None:
    refusals = []
    for answers in (0, 1):
        fresh = dialect.provider(vendor.url)
        vendor.says(dialect.whole)
        for _ in range(answers):
            await read(fresh, prompt)
        vendor.refuses(status, body, retry_after="7")
        with pytest.raises(ProviderError) as caught:
            await read(fresh, prompt)
        refusals.append({**vars(caught.value), "said": str(caught.value)})
        vendor.says(dialect.whole)
        assert joined(await read(fresh, prompt)) == greeting(dialect.usage)
        await fresh.aclose()
    assert refusals[0] == refusals[1]
    assert refusals[0]["status"] == status
    assert isinstance(refusals[0]["code"], Code)
