"""Finds out what is asked for before Django's handler does, at whichever addresses the site has
included `streams.urls`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.urls import Resolver404, URLResolver, get_resolver, get_urlconf
from django.utils import translation

if TYPE_CHECKING:  # an asgi.py imports this before Django is set up, and its models are there
    from .realtime.hub import Hub

Scope = Mapping[str, Any]
Respond = Callable[["Hub", str, Scope, Any, Any], Awaitable[None]]


def stream_at(path: str) -> tuple[Respond, str] | None:
    """Returns the endpoint of streams at this address of the site and what it is of, or None."""
    if path.rpartition("/")[2] not in last_words("by_hub"):
        return None
    view, uuid = view_at(path)
    respond = getattr(view, "by_hub", None)
    return (respond, uuid) if respond else None


class Prompt(NamedTuple):
    """A request that may post a prompt to a conversation, or None for a new one."""

    conversation: str | None


def prompt_at(scope: Scope, path: str) -> Prompt | None:
    """Returns what a request may post here that `streams.starts` stores, judged by its address and
    headers.
    """
    from .starts.prompt import may_be_plain

    if scope.get("method") != "POST" or path.rpartition("/")[2] not in last_words("takes_prompts"):
        return None
    if not may_be_plain(scope):
        return None
    view, uuid = view_at(path)
    return Prompt(uuid or None) if getattr(view, "takes_prompts", False) else None


def hands_over(path: str) -> bool:
    """Tells whether the view at this address may leave its response to the hub."""
    if not first_words("hands_over").intersection(path.split("/")):
        return False
    view, _ = view_at(path)
    return hasattr(view, "hands_over")


def takes_files(path: str) -> str:
    """Returns in which way the view at this address takes files, "" for not at all."""
    if path.rpartition("/")[2] not in last_words("takes_files"):
        return ""
    view, _ = view_at(path)
    return str(getattr(view, "takes_files", ""))


# As Django's converter for addresses has it, and any one of them.
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SOME_UUID = "00000000-0000-0000-0000-000000000000"

LONGEST = 500  # characters of an address that is remembered


def view_at(path: str) -> tuple[Any, str]:
    """Returns the class of the view at this address of the site, and the UUID in it; None if there
    is none. An address is looked up once for all UUIDs."""
    resolver, language = get_resolver(get_urlconf()), settings.LANGUAGE_CODE
    uuids = UUID.findall(path)
    if len(uuids) > 1 or len(path) > LONGEST:
        return resolved(resolver, path, language)
    view, uuid = remembered(resolver, UUID.sub(SOME_UUID, path), language)
    return view, uuids[0] if uuids and uuid == SOME_UUID else uuid


def resolved(resolver: URLResolver, path: str, language: str) -> tuple[Any, str]:
    # As LocaleMiddleware does, for a site whose addresses begin with a language.
    with translation.override(translation.get_language_from_path(path) or language):
        try:
            found = resolver.resolve(path)
        except Resolver404:
            return None, ""
    return getattr(found.func, "view_class", None), str(found.kwargs.get("uuid", ""))


remembered = lru_cache(maxsize=256)(resolved)


@cache
def last_words(mark: str) -> frozenset[str]:
    """Returns the last parts of addresses whose views have this attribute. A request to any other
    address is passed to Django without a further look.
    """
    return frozenset(pattern.rpartition("/")[2] for pattern in patterns(mark))


@cache
def first_words(mark: str) -> frozenset[str]:
    """Returns how those addresses begin, below the path at which the site has included them."""
    return frozenset(pattern.partition("/")[0] for pattern in patterns(mark))


def patterns(mark: str) -> list[str]:
    from .urls import urlpatterns

    marked = (it for it in urlpatterns if getattr(getattr(it.callback, "view_class", 0), mark, ""))
    return [str(it.pattern) for it in marked]
