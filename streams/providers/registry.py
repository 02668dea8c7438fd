"""Knows which `provider:model` names are configured, and builds the provider for each.

`check_name`, `offered` and `default_model` are for web processes: they build nothing and import no
SDK.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from django.conf import settings

from streams.conf import conf
from streams.providers import scripted
from streams.providers.base import Provider, ProviderNotInstalled, UnknownModel

SDK_TRANSPORT = ("aiohttp", "httpx2")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a provider is, which of its options it is built from, what to offer of it.

    One of those options makes it configured. The `extra` of the wheel brings its `packages`.
    """

    module: str
    type: str
    built_from: tuple[str, ...] = ("key", "url")
    extra: str = ""
    packages: tuple[str, ...] = ()
    menu: tuple[str, ...] = ()


ENTRIES: dict[str, Entry] = {
    "anthropic": Entry(
        "streams.providers.anthropic",
        "Anthropic",
        extra="anthropic",
        packages=("anthropic", *SDK_TRANSPORT),
        menu=("claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"),
    ),
    "openai": Entry(
        "streams.providers.openai",
        "OpenAI",
        extra="openai",
        packages=("openai", *SDK_TRANSPORT),
        menu=("gpt-6.1-terra", "gpt-6.2-sol", "gpt-6-luna"),
    ),
    "openai-chat": Entry(
        "streams.providers.openai_chat",
        "OpenAIChat",
        extra="openai",
        packages=("openai", *SDK_TRANSPORT),
    ),
    "local": Entry(
        "streams.providers.local",
        "Local",
        built_from=("url",),
        extra="openai",
        packages=("openai", *SDK_TRANSPORT),
        menu=("smollm2",),
    ),
    "scripted": Entry("streams.providers.scripted", "Scripted", built_from=(), menu=("demo",)),
}

_built: dict[tuple[str, ...], Provider] = {}


def check_name(name: str) -> tuple[str, str]:
    """Splits a `provider:model` name into its provider's prefix and its model.

    Raises UnknownModel, with a message for people, if there is no such provider, if it is not
    configured, or if the model is missing.
    """
    prefix, _, model = name.partition(":")
    entry = ENTRIES.get(prefix)
    if entry is None:
        raise UnknownModel(f"A model is named provider:model, with one of {', '.join(ENTRIES)}.")
    if not model.strip() or not model.isprintable():
        raise UnknownModel(f"Which model of {prefix}? Write {prefix}:name.")
    if not configured(prefix):
        wanted = " or ".join(entry.built_from)
        raise UnknownModel(
            f"The provider {prefix} is not set up here: STREAMS models {prefix} has no {wanted}."
        )
    if prefix == "scripted":
        if model not in named(prefix) and not conf().scripts:
            raise UnknownModel("Scripts are for trying things out: STREAMS scripts allows them.")
        scripted.script(model)
    return prefix, model


def configured(prefix: str) -> bool:
    """Tells whether any option the provider needs is set; one that needs none always is
    configured.
    """
    given = arguments(prefix)
    return any(given) or not given


def arguments(prefix: str) -> tuple[str, ...]:
    """Returns the arguments the provider is built with, in order, empty where not set.

    Without a key and an address `openai-chat` uses those of OpenAI, and never a key at an address
    it was not set for.
    """
    models = conf().models

    def given(name: str) -> tuple[str, ...]:
        return tuple(models.get(name, {}).get(option, "") for option in ENTRIES[name].built_from)

    own = given(prefix)
    return given("openai") if prefix == "openai-chat" and not any(own) else own


def offered() -> list[str]:
    """Returns the names to show in a menu, the default first."""
    names = [f"{prefix}:{model}" for prefix in ENTRIES for model in menu(prefix)]
    return list(dict.fromkeys([default_model(), *names]))


def menu(prefix: str) -> Sequence[str]:
    """Returns the models of a configured provider to offer; a self-hosted server names its own.

    Scripts are for trying things out: they are not offered beside real models outside DEBUG.
    """
    if not configured(prefix) or (prefix == "scripted" and not settings.DEBUG):
        return ()
    return named(prefix)


def named(prefix: str) -> Sequence[str]:
    """Returns the `menu` of the settings, or else the built-in one."""
    return tuple(conf().models.get(prefix, {}).get("menu") or ENTRIES[prefix].menu)


def default_model() -> str:
    """Returns the `default_model` of the settings, or else the first of the first provider
    configured.
    """
    if chosen := conf().default_model:
        return chosen
    names = (f"{prefix}:{model}" for prefix in ENTRIES for model in menu(prefix))
    return next(names, "scripted:demo")


def resolve(name: str) -> tuple[Provider, str]:
    """Returns the provider and the model of a `provider:model` name.

    It is built at first use and kept, one per process and event loop. Raises UnknownModel as
    `check_name` does.
    """
    prefix, model = check_name(name)
    entry = ENTRIES[prefix]
    key = (prefix, *arguments(prefix))
    if key not in _built:
        if lacking(prefix):
            raise ProviderNotInstalled(f"{not_installed(prefix)} {how_to_install(prefix)}")
        build = getattr(import_module(entry.module), entry.type)
        _built[key] = build(*key[1:], models=named(prefix))
    return _built[key], model


def lacking(prefix: str) -> list[str]:
    """Returns the packages of a provider that are not installed, without importing any."""
    return [name for name in ENTRIES[prefix].packages if find_spec(name) is None]


def not_installed(prefix: str) -> str:
    return f"The provider {prefix} needs {' and '.join(lacking(prefix))}, not installed here."


def how_to_install(prefix: str) -> str:
    return f'Run: pip install "chatstream[{ENTRIES[prefix].extra}]".'


def prepare() -> None:
    """Builds all configured providers ahead of use: importing an SDK takes a second, in which the
    worker's other answers would stand still. What cannot be built fails when it is asked for.
    """
    for prefix in ENTRIES:
        if configured(prefix) and prefix != "scripted":
            with suppress(Exception):
                resolve(f"{prefix}:any")


async def aclose() -> None:
    """Closes every provider that was built; the next `resolve` builds it anew."""
    while _built:
        await _built.popitem()[1].aclose()
