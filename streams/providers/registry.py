"""Which `provider:model` names there are here, and the provider behind each.

`check_name`, `offered` and `default_model` are for web processes: they build nothing and
import no SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from django.conf import settings

from streams.providers import scripted
from streams.providers.base import Provider, UnknownModel

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """How to tell that a provider is configured, what to offer of it, how to build it."""

    module: str
    type: str
    arguments: Callable[[Config], tuple[str, ...]]
    missing: str
    menu: tuple[str, ...] = ()


def openai_arguments(config: Config) -> tuple[str, ...]:
    return config.get("OPENAI_API_KEY", ""), config.get("OPENAI_BASE_URL", "")


def chat_arguments(config: Config) -> tuple[str, ...]:
    """Its own key and address, or OpenAI's: never one's key at the other's address."""
    own = config.get("OPENAI_CHAT_API_KEY", ""), config.get("OPENAI_CHAT_BASE_URL", "")
    return own if any(own) else openai_arguments(config)


def anthropic_arguments(config: Config) -> tuple[str, ...]:
    return config.get("ANTHROPIC_API_KEY", ""), config.get("ANTHROPIC_BASE_URL", "")


def local_arguments(config: Config) -> tuple[str, ...]:
    return (config.get("LOCAL_MODEL_URL", ""),)


ENTRIES: dict[str, Entry] = {
    "anthropic": Entry(
        "streams.providers.anthropic",
        "Anthropic",
        anthropic_arguments,
        "Set ANTHROPIC_API_KEY to use it.",
        ("claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"),
    ),
    "openai": Entry(
        "streams.providers.openai",
        "OpenAI",
        openai_arguments,
        "Set OPENAI_API_KEY to use it.",
        ("gpt-6.1-terra", "gpt-6.2-sol", "gpt-6-luna"),
    ),
    "openai-chat": Entry(
        "streams.providers.openai_chat",
        "OpenAIChat",
        chat_arguments,
        "Set OPENAI_CHAT_BASE_URL, OPENAI_CHAT_API_KEY or both to use it.",
    ),
    "local": Entry(
        "streams.providers.local",
        "Local",
        local_arguments,
        "Start everything with `manage.py dev`, or set LOCAL_MODEL_URL to a llama.cpp server.",
        ("smollm2",),
    ),
    "scripted": Entry("streams.providers.scripted", "Scripted", lambda config: (), "", ("demo",)),
}

_built: dict[tuple[str, ...], Provider] = {}


def check_name(name: str) -> tuple[str, str]:
    """The provider's prefix and the model of a `provider:model` name.

    Raises UnknownModel, whose text a person may read, when there is no such provider, when
    it is not configured, or when the model is missing.
    """
    prefix, _, model = name.partition(":")
    entry = ENTRIES.get(prefix)
    if entry is None:
        raise UnknownModel(f"A model is named provider:model, with one of {', '.join(ENTRIES)}.")
    if not model.strip() or not model.isprintable():
        raise UnknownModel(f"Which model of {prefix}? Write {prefix}:name.")
    if not configured(entry):
        raise UnknownModel(f"The provider {prefix} is not set up here. {entry.missing}")
    if prefix == "scripted":
        if model not in named(prefix) and not settings.PROVIDERS.get("SCRIPTS"):
            raise UnknownModel("Scripts are for trying things out: set SCRIPTS to allow them.")
        scripted.script(model)
    return prefix, model


def configured(entry: Entry) -> bool:
    """Whether any of what it is built from is set; a provider built from nothing always is."""
    arguments = entry.arguments(settings.PROVIDERS)
    return any(arguments) or not arguments


def offered() -> list[str]:
    """Names worth showing in a menu, the default first."""
    names = [f"{prefix}:{model}" for prefix in ENTRIES for model in menu(prefix)]
    return list(dict.fromkeys([default_model(), *names]))


def menu(prefix: str) -> Sequence[str]:
    """Models of a configured provider to offer; a server of one's own names its own.

    Scripts are for trying things out: not offered beside real models outside DEBUG.
    """
    if not configured(ENTRIES[prefix]) or (prefix == "scripted" and not settings.DEBUG):
        return ()
    return named(prefix)


def named(prefix: str) -> Sequence[str]:
    """`…_MODELS` of the settings, else ours."""
    own = settings.PROVIDERS.get(f"{prefix.upper().replace('-', '_')}_MODELS")
    return tuple(own or ENTRIES[prefix].menu)


def default_model() -> str:
    """DEFAULT_MODEL, else the first model of the first provider that is configured."""
    if settings.DEFAULT_MODEL:
        return cast(str, settings.DEFAULT_MODEL)
    names = (f"{prefix}:{model}" for prefix in ENTRIES for model in menu(prefix))
    return next(names, "scripted:demo")


def resolve(name: str) -> tuple[Provider, str]:
    """The provider and the model of a `provider:model` name; UnknownModel as `check_name`.

    Built at the first use and kept: one instance per process, and so one event loop.
    """
    prefix, model = check_name(name)
    entry = ENTRIES[prefix]
    key = (prefix, *entry.arguments(settings.PROVIDERS))
    if key not in _built:
        build = getattr(import_module(entry.module), entry.type)
        _built[key] = build(*key[1:], models=named(prefix))
    return _built[key], model


def prepare() -> None:
    """Build whatever is configured: an SDK takes a second to import, in which a worker's
    other answers would stand still. What cannot be built says so when it is asked for."""
    for prefix, entry in ENTRIES.items():
        if configured(entry) and prefix != "scripted":
            with suppress(Exception):
                resolve(f"{prefix}:any")


async def aclose() -> None:
    """Close every provider that was built; the next `resolve` builds anew."""
    while _built:
        await _built.popitem()[1].aclose()
