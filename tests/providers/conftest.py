"""Fixtures: a vendor's server that sends what the test tells it, a real model, and every
adapter.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator

import pytest

from streams.providers.base import Prompt, Provider, Turn
from tests.providers.http_adapters import DIALECTS, Dialect
from tests.providers.vendor import Vendor


@pytest.fixture(autouse=True, scope="package")
def _no_authorities() -> Iterator[None]:
    """The vendor speaks plain HTTP, and half of an SDK's start is to read whom to trust."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)
        yield


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
    return Prompt("m", [Turn.of("user", "Greet me.")], system="Be kind.", max_tokens=64)
