"""The registry lists models without building a client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from streams.providers import registry
from streams.providers.base import ProviderNotInstalled, UnknownModel

Configure = Callable[..., None]


@pytest.fixture
async def configure(settings: Any) -> AsyncIterator[Configure]:
    settings.DEBUG, settings.STREAMS = False, {}

    def configure(models: dict[str, Any], default: str = "", debug: bool = False) -> None:
        settings.DEBUG = debug
        settings.STREAMS = {"models": models, "default_model": default}

    yield configure
    await registry.aclose()


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({"openai": {"key": "k"}}, "openai:any-model"),
        ({"openai": {"key": "k"}}, "openai-chat:any-model"),
        ({"openai-chat": {"url": "http://127.0.0.1:9/v1"}}, "openai-chat:org/model:tag"),
        ({"anthropic": {"key": "k"}}, "anthropic:any-model"),
        ({"local": {"url": "http://127.0.0.1:9"}}, "local:smollm2"),
        ({}, "scripted:demo"),
    ],
)
async def test_any_model_of_a_configured_provider_is_found(
    configure: Configure, setting: dict[str, Any], name: str
) -> None:
    configure(setting)
    provider, model = registry.resolve(name)
    assert f"{provider.name}:{model}" == name
    assert registry.check_name(name) == (provider.name, model)
    assert registry.resolve(name)[0] is provider


@pytest.mark.parametrize(
    "name",
    ["", "gpt", "nobody:x", "scripted:", "scripted: ", "scripted:nothing", "scripted:demo\n"]
    + ["scripted:count-999999@0"]
    + [f"{prefix}:x" for prefix in ("openai", "openai-chat", "anthropic", "local")],
)
async def test_an_unknown_or_unconfigured_model_is_refused(configure: Configure, name: str) -> None:
    with pytest.raises(UnknownModel):
        registry.check_name(name)
    with pytest.raises(UnknownModel):
        registry.resolve(name)


async def test_the_refusal_of_the_local_model_says_what_to_do(configure: Configure) -> None:
    with pytest.raises(UnknownModel, match="STREAMS models local has no url"):
        registry.check_name("local:smollm2")


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({}, "scripted:demo"),
        ({"local": {"url": "u"}}, "local:smollm2"),
        ({"local": {"url": "u"}, "openai": {"key": "k", "menu": ["a"]}}, "openai:a"),
        ({"openai": {"key": "k"}, "anthropic": {"key": "k", "menu": ["c"]}}, "anthropic:c"),
        ({"openai-chat": {"url": "u", "menu": ["q:8b"]}}, "openai-chat:q:8b"),
    ],
)
async def test_the_default_is_the_best_there_is_and_first_in_the_menu(
    configure: Configure, setting: dict[str, Any], name: str
) -> None:
    configure(setting)
    assert registry.default_model() == name
    assert registry.offered()[0] == name
    assert len(set(registry.offered())) == len(registry.offered())


async def test_the_default_of_the_settings_goes_first(configure: Configure) -> None:
    configure({"openai": {"key": "k"}}, default="scripted:echo")
    assert registry.default_model() == registry.offered()[0] == "scripted:echo"


async def test_whatever_is_offered_is_accepted(configure: Configure) -> None:
    keys = {name: {"key": "k"} for name in ("openai", "anthropic")}
    configure(keys | {"local": {"url": "u"}}, debug=True)
    for name in registry.offered():
        registry.check_name(name)
    assert "scripted:demo" in registry.offered()


async def test_scripts_are_not_offered_beside_real_models_in_production(
    configure: Configure,
) -> None:
    configure({"local": {"url": "u"}})
    assert registry.offered() == ["local:smollm2"]


async def test_openais_key_never_goes_to_another_address(configure: Configure) -> None:
    configure({"openai": {"key": "secret"}, "openai-chat": {"url": "http://127.0.0.1:9/v1"}})
    provider, _ = registry.resolve("openai-chat:m")
    assert provider._client.api_key == "none"


async def test_a_worker_builds_what_is_configured_before_anyone_waits_for_it(
    configure: Configure,
) -> None:
    configure({"openai": {"key": "k"}, "local": {"url": "u"}})
    registry.prepare()
    assert sorted(key[0] for key in registry._built) == ["local", "openai", "openai-chat"]


async def test_a_provider_without_its_packages_says_which_extra_brings_them(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    configure({"openai-chat": {"key": "k"}})
    registry.check_name("openai-chat:m")  # the web needs no SDK
    with pytest.raises(ProviderNotInstalled, match=r'pip install "chatstream\[openai\]"'):
        registry.resolve("openai-chat:m")
    assert registry.resolve("scripted:demo")


def test_checking_a_name_imports_no_sdk() -> None:
    """A web process would pay a second and 60 MB for it."""
    code = (
        "import sys; from django.conf import settings;"
        "settings.configure(STREAMS={'models': {'openai': {'key': 'k'}}});"
        "from streams.providers import registry;"
        "registry.offered(); registry.check_name('openai:m');"
        "sys.exit(bool({'openai', 'anthropic', 'aiohttp'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
