"""A vendor that says what it is told, a real model, and every adapter in front of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streams.providers.base import Prompt, Provider, Turn
from tests.providers.dialects import DIALECTS, Dialect
from tests.providers.vendor import Vendor


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with Vendor() as vendor:
        yield vendor


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


@pytest.fixture
async def provider(dialect: Dialect, vendor: Vendor) -> AsyncIterator[Provider]:
    provider = dialect.provider(vendor.url)
    yield provider
    await provider.aclose()


@pytest.fixture
def prompt() -> Prompt:
    return Prompt("m", [Turn("user", "Greet me.")], system="Be kind.", max_tokens=64)
