"""Knows which `provider:model` names are configured, and builds the provider for each.

`check_name`, `offered` and `default_model` are for web processes: they build nothing and import no
SDK.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from streams.conf import conf
from streams.providers.base import Provider, ProviderNotInstalled, UnknownModel
from streams.providers.builtin_providers import ENTRIES, Entry

FALLBACK = "scripted:demo"
AGENT = "agent"

_built: dict[tuple[object, ...], Provider] = {}


def own_class(prefix: str) -> Any:
    """The class that a site names for this provider, or None. Raises ImportError."""
    path = conf().models.get(prefix, {}).get("class")
    return import_string(path) if path else None


def agent_model(name: str) -> str | None:
    """Returns the `provider:model` that an `agent:name` asks, and None for any other name.

    Raises UnknownModel if the settings name no such agent, and whatever importing it raises.
    """
    prefix, _, agent = name.partition(":")
    if prefix != AGENT or AGENT in conf().models:
        return None
    if agent not in conf().agents:
        raise UnknownModel(f"There is no agent {agent!r} here.")
    return str(import_string(conf().agents[agent]).model)


def entry_of(prefix: str) -> Entry | None:
    """A provider of the site's own, whose class says what ours say here; else one of ours."""
    own = own_class(prefix)
    if own is None and prefix == AGENT and conf().agents:
        return Entry(__name__, "", built_from=(), menu=tuple(conf().agents))
    if own is None:
        return ENTRIES.get(prefix)
    return Entry(
        own.__module__,
        own.__qualname__,
        built_from=(),
        menu=tuple(getattr(own, "menu", ())),
        recites=getattr(own, "recites", False),
        takes=getattr(own, "takes", {}),
        check=getattr(own, "check", None),
    )


def prefixes() -> list[str]:
    """A site's own providers first, its agents last."""
    own = [name for name, options in conf().models.items() if options.get("class")]
    return list(dict.fromkeys([*own, *ENTRIES, *([AGENT] if conf().agents else [])]))


def recites(name: str) -> bool:
    """Tells whether the provider of this `provider:model` only plays back what it was given."""
    name = agent_model(name) or name
    entry = entry_of(name.partition(":")[0])
    return entry is not None and entry.recites


def check_name(name: str) -> tuple[str, str]:
    """Splits a `provider:model` name into its provider's prefix and its model.

    Raises UnknownModel, with a message for people, if there is no such provider, if it is not
    configured, or if the model is missing.
    """
    prefix, _, model = name.partition(":")
    entry = entry_of(prefix)
    if entry is None:
        known = ", ".join(prefixes())
        raise UnknownModel(f"A model is named provider:model, with one of {known}.")
    if not model.strip() or not model.isprintable():
        raise UnknownModel(f"Which model of {prefix}? Write {prefix}:name.")
    if not configured(prefix):
        wanted = " or ".join(entry.built_from)
        raise UnknownModel(
            f"The provider {prefix} is not set up here: STREAMS models {prefix} has no {wanted}."
        )
    if asked := agent_model(name):
        check_name(asked)
    if entry.recites and model not in named(prefix) and not conf().scripts:
        raise UnknownModel("Scripts are for trying things out: STREAMS scripts allows them.")
    if entry.check:
        entry.check(model)
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
        entry = entry_of(name)
        built_from = entry.built_from if entry else ()
        return tuple(models.get(name, {}).get(option, "") for option in built_from)

    own = given(prefix)
    return given("openai") if prefix == "openai-chat" and not any(own) else own


def takes(name: str) -> frozenset[str]:
    """Returns which files a model takes beside text, as the settings or its provider declare:
    "image", "pdf". Of a model that nobody has declared it is none.
    """
    prefix, _, model = (agent_model(name) or name).partition(":")
    entry = entry_of(prefix)
    declared = {**conf().models.get(prefix, {}).get("takes", {})}
    for patterns in (declared, entry.takes if entry else {}):
        for pattern, kinds in patterns.items():
            if fnmatchcase(model, pattern):
                return frozenset(kinds)
    return frozenset()


def offered() -> list[str]:
    """Returns the names to show in a menu, the default first."""
    names = [f"{prefix}:{model}" for prefix in prefixes() for model in menu(prefix)]
    return list(dict.fromkeys([default_model(), *names]))


def menu(prefix: str) -> Sequence[str]:
    """Returns the models of a configured provider to offer; a self-hosted server names its own.

    Scripts are for trying things out: they are not offered beside real models outside DEBUG.
    """
    entry = entry_of(prefix)
    if entry is None or not configured(prefix) or (entry.recites and not settings.DEBUG):
        return ()
    if prefix == AGENT:
        return [name for name in named(prefix) if is_usable(f"{prefix}:{name}")]
    return named(prefix)


def is_usable(agent: str) -> bool:
    """Tells whether an agent can be imported, and its model asked; `check` says why not."""
    try:
        check_name(agent)
        return settings.DEBUG or not recites(agent)
    except Exception:
        return False


def named(prefix: str) -> Sequence[str]:
    """Returns the `menu` of the settings, or else the built-in one."""
    entry = entry_of(prefix)
    return tuple(conf().models.get(prefix, {}).get("menu") or (entry.menu if entry else ()))


def default_model() -> str:
    """Returns the `default_model` of the settings, or else the first of the first provider
    configured.
    """
    if chosen := conf().default_model:
        return chosen
    names = (f"{prefix}:{model}" for prefix in prefixes() for model in menu(prefix))
    return next(names, FALLBACK)


def resolve(name: str) -> tuple[Provider, str]:
    """Returns the provider and the model of a `provider:model` name.

    It is built at first use and kept, one per process and event loop. Raises UnknownModel as
    `check_name` does. That of an agent is the one which its model names.
    """
    prefix, model = check_name(name)
    if asked := agent_model(name):
        return resolve(asked)
    if own := own_class(prefix):
        return own_provider(prefix, own), model
    entry = ENTRIES[prefix]
    options = conf().models.get(prefix, {}).get("options", {})
    key = (prefix, *arguments(prefix), repr(options))
    if key not in _built:
        if lacking(prefix):
            raise ProviderNotInstalled(f"{not_installed(prefix)} {how_to_install(prefix)}")
        build = getattr(import_module(entry.module), entry.type)
        _built[key] = build(*key[1:-1], models=named(prefix), **options)
    return _built[key], model


def own_provider(prefix: str, own: Any) -> Provider:
    """Built from its `key` and `url` where they are set, and from its `options`."""
    given = conf().models[prefix]
    options = {name: given[name] for name in ("key", "url") if given.get(name)}
    options |= given.get("options", {})
    key = (prefix, own, repr(options))
    if key not in _built:
        _built[key] = cast(Provider, own(**options))
    return _built[key]


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
    for prefix in prefixes():
        with suppress(Exception):
            first = f"{prefix}:{next(iter(named(prefix)), 'any')}"
            if configured(prefix) and not recites(first):
                resolve(first)


async def aclose() -> None:
    """Closes every provider that was built; the next `resolve` builds it anew."""
    while _built:
        await _built.popitem()[1].aclose()
