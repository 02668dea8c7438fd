"""Which models there are, said without building a client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from streams.providers import registry
from streams.providers.base import UnknownModel

Configure = Callable[..., None]


@pytest.fixture
async def configure(settings: Any) -> AsyncIterator[Configure]:
    settings.DEFAULT_MODEL, settings.DEBUG, settings.PROVIDERS = "", False, {}

    def configure(default: str = "", debug: bool = False, **providers: Any) -> None:
        settings.DEFAULT_MODEL, settings.DEBUG, settings.PROVIDERS = default, debug, providers

    yield configure
    await registry.aclose()


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({"OPENAI_API_KEY": "k"}, "openai:any-model"),
        ({"OPENAI_API_KEY": "k"}, "openai-chat:any-model"),
        ({"OPENAI_CHAT_BASE_URL": "http://127.0.0.1:9/v1"}, "openai-chat:org/model:tag"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic:any-model"),
        ({"LOCAL_MODEL_URL": "http://127.0.0.1:9"}, "local:smollm2"),
        ({}, "scripted:demo"),
    ],
)
async def test_any_model_of_a_configured_provider_is_found(
    configure: Configure, setting: dict[str, str], name: str
) -> None:
    configure(**setting)
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
    with pytest.raises(UnknownModel, match="LOCAL_MODEL_URL"):
        registry.check_name("local:smollm2")


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({}, "scripted:demo"),
        ({"LOCAL_MODEL_URL": "u"}, "local:smollm2"),
        ({"LOCAL_MODEL_URL": "u", "OPENAI_API_KEY": "k", "OPENAI_MODELS": ["a"]}, "openai:a"),
        (
            {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "ANTHROPIC_MODELS": ["c"]},
            "anthropic:c",
        ),
        ({"OPENAI_CHAT_BASE_URL": "u", "OPENAI_CHAT_MODELS": ["q:8b"]}, "openai-chat:q:8b"),
        ({"OPENAI_API_KEY": "k", "default": "scripted:echo"}, "scripted:echo"),
    ],
)
async def test_the_default_is_the_best_there_is_and_first_in_the_menu(
    configure: Configure, setting: dict[str, Any], name: str
) -> None:
    configure(**setting)
    assert registry.default_model() == name
    assert registry.offered()[0] == name
    assert len(set(registry.offered())) == len(registry.offered())


async def test_whatever_is_offered_is_accepted(configure: Configure) -> None:
    configure(debug=True, OPENAI_API_KEY="k", ANTHROPIC_API_KEY="k", LOCAL_MODEL_URL="u")
    for name in registry.offered():
        registry.check_name(name)
    assert "scripted:demo" in registry.offered()


async def test_scripts_are_not_offered_beside_real_models_in_production(
    configure: Configure,
) -> None:
    configure(LOCAL_MODEL_URL="u")
    assert registry.offered() == ["local:smollm2"]


async def test_openais_key_never_goes_to_another_address(configure: Configure) -> None:
    configure(OPENAI_API_KEY="secret", OPENAI_CHAT_BASE_URL="http://127.0.0.1:9/v1")
    provider, _ = registry.resolve("openai-chat:m")
    assert provider._client.api_key == "none"


async def test_a_worker_builds_what_is_configured_before_anyone_waits_for_it(
    configure: Configure,
) -> None:
    configure(OPENAI_API_KEY="k", LOCAL_MODEL_URL="u")
    registry.prepare()
    assert sorted(key[0] for key in registry._built) == ["local", "openai", "openai-chat"]


def test_checking_a_name_imports_no_sdk() -> None:
    """A web process would pay a second and 60 MB for it."""
    code = (
        "import sys; from django.conf import settings;"
        "settings.configure(PROVIDERS={'OPENAI_API_KEY': 'k'}, DEFAULT_MODEL='');"
        "from streams.providers import registry;"
        "registry.offered(); registry.check_name('openai:m');"
        "sys.exit(bool({'openai', 'anthropic', 'aiohttp'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
