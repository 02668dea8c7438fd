"""Which `provider:model` names there are here, and the provider behind each.

`check_name`, `offered` and `default_model` are for web processes: they build nothing and
import no SDK.
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
    """Whether any of what it is built from is set; a provider built from nothing always is."""
    given = arguments(prefix)
    return any(given) or not given


def arguments(prefix: str) -> tuple[str, ...]:
    """What the provider is built from, in order, empty where it is not set.

    `openai-chat` without a key and an address has OpenAI's; never one's key at the other's address.
    """
    models = conf().models

    def given(name: str) -> tuple[str, ...]:
        return tuple(models.get(name, {}).get(option, "") for option in ENTRIES[name].built_from)

    own = given(prefix)
    return given("openai") if prefix == "openai-chat" and not any(own) else own


def offered() -> list[str]:
    """Names worth showing in a menu, the default first."""
    names = [f"{prefix}:{model}" for prefix in ENTRIES for model in menu(prefix)]
    return list(dict.fromkeys([default_model(), *names]))


def menu(prefix: str) -> Sequence[str]:
    """Models of a configured provider to offer; a server of one's own names its own.

    Scripts are for trying things out: not offered beside real models outside DEBUG.
    """
    if not configured(prefix) or (prefix == "scripted" and not settings.DEBUG):
        return ()
    return named(prefix)


def named(prefix: str) -> Sequence[str]:
    """The `menu` of the settings, else ours."""
    return tuple(conf().models.get(prefix, {}).get("menu") or ENTRIES[prefix].menu)


def default_model() -> str:
    """The `default_model` of the settings, else the first of the first provider configured."""
    if chosen := conf().default_model:
        return chosen
    names = (f"{prefix}:{model}" for prefix in ENTRIES for model in menu(prefix))
    return next(names, "scripted:demo")


def resolve(name: str) -> tuple[Provider, str]:
    """The provider and the model of a `provider:model` name.

    Built at the first use and kept: one instance per process, and so one event loop. Raises
    UnknownModel as `check_name` does, and ProviderNotInstalled, which is one.
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
    """The packages of a provider that are not installed, without importing any."""
    return [name for name in ENTRIES[prefix].packages if find_spec(name) is None]


def not_installed(prefix: str) -> str:
    return f"The provider {prefix} needs {' and '.join(lacking(prefix))}, not installed here."


def how_to_install(prefix: str) -> str:
    return f'Run: pip install "chatstream[{ENTRIES[prefix].extra}]".'


def prepare() -> None:
    """Build whatever is configured: an SDK takes a second to import, in which a worker's
    other answers would stand still. What cannot be built says so when it is asked for."""
    for prefix in ENTRIES:
        if configured(prefix) and prefix != "scripted":
            with suppress(Exception):
                resolve(f"{prefix}:any")


async def aclose() -> None:
    """Close every provider that was built; the next `resolve` builds anew."""
    while _built:
        await _built.popitem()[1].aclose()
