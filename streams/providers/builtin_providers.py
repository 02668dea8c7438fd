"""The providers that come with the app, known without importing any SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop

from streams.providers import scripted

BOTH = ("image", "pdf")
SDK_TRANSPORT = ("aiohttp", "httpx2")


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider: its class, the options it is built from, and the models to offer.

    Any one of those options makes it configured. The `extra` of the wheel brings its `packages`.
    """

    module: str
    type: str
    built_from: tuple[str, ...] = ("key", "url")
    extra: str = ""
    packages: tuple[str, ...] = ()
    menu: tuple[str, ...] = ()
    #: What people read: where it runs, in English, and its models whose ids make poor words.
    place: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    #: It recites what it was given: nobody asks it for titles, and it is offered in DEBUG alone.
    recites: bool = False
    #: Which files its models take beside text, "image" and "pdf", by the pattern of their names.
    takes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Raises UnknownModel for a name that is known to be none, without asking anybody.
    check: Callable[[str], object] | None = None


ENTRIES: dict[str, Entry] = {
    "anthropic": Entry(
        "streams.providers.anthropic",
        "Anthropic",
        extra="anthropic",
        packages=("anthropic", *SDK_TRANSPORT),
        menu=("claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"),
        place="Anthropic",
        takes={"claude-*": BOTH},
    ),
    "openai": Entry(
        "streams.providers.openai",
        "OpenAI",
        extra="openai",
        packages=("openai", *SDK_TRANSPORT),
        menu=("gpt-6.1-terra", "gpt-6.2-sol", "gpt-6-luna"),
        place="OpenAI",
        takes=dict.fromkeys(("gpt-4o*", "gpt-4.1*", "gpt-[5-9]*", "o[1-9]*"), BOTH),
    ),
    "openai-chat": Entry(
        "streams.providers.openai_chat",
        "OpenAIChat",
        extra="openai",
        packages=("openai", *SDK_TRANSPORT),
        place=gettext_noop("own server"),
    ),
    "local": Entry(
        "streams.providers.local",
        "Local",
        built_from=("url",),
        extra="openai",
        packages=("openai", *SDK_TRANSPORT),
        menu=("smollm2",),
        place=gettext_noop("on this computer"),
        names={"smollm2": "SmolLM2"},
    ),
    "scripted": Entry(
        "streams.providers.scripted",
        "Scripted",
        built_from=(),
        menu=("demo",),
        place=gettext_noop("recites a text"),
        recites=True,
        takes={"*": BOTH},  # and looks at none
        check=scripted.check,
    ),
}
