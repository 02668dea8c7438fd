"""Validates a `STREAMS` dictionary and describes its problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, NamedTuple

# What each provider of `models` may be given.
OPTIONS: dict[str, object] = {"key": "", "url": "", "menu": [], "class": "", "options": {}}
OPTIONS |= {"names": {}, "place": ""}  # in words, for people
OPTIONS |= {"takes": {}}  # which files, by the pattern of a model's name
# What each server of `mcp` may be given; the first five are those of other MCP clients.
MCP_OPTIONS: dict[str, object] = {
    "command": "",
    "args": [],
    "env": {},
    "url": "",
    "headers": {},
    "cwd": "",
    "type": "",
    "shared": False,
    "approval": "",
    "tools": [],
    "timeout": 60.0,
}
WEBHOOK_OPTIONS: dict[str, object] = {"url": "", "secret": ""}
PUSH_OPTIONS: dict[str, object] = {"private_key": "", "subject": ""}
# Settings that had another name in an earlier tree, with the one they have now.
RENAMED = {
    "poll": "worker_rescan",
    "polling": "stream_rescan_unsignalled",
    "deaf_rescan": "stream_rescan_unsignalled",
    "rescan": "stream_rescan",
    "fold_after": "compact_after",
    "fold_runs": "compact_runs",
}
# Those of the last tree before this one, good until the next: while a deployment is under way, old
# processes and new ones may read the same dictionary.
STILL_TAKEN = ("deaf_rescan", "rescan")

KINDS: dict[type, str] = {
    bool: "True or False",
    int: "a whole number, not below 0",
    float: "a number, not below 0",
    str: "text",
    list: "a list of texts",
    dict: "a dictionary",
}


class Problem(NamedTuple):
    """One problem: what is wrong, what to do, and the id of the `check` finding."""

    id: str
    what: str
    hint: str


def by_new_names(given: object) -> Any:
    """Returns settings with the names they have now; one that is given by both keeps the new one's
    value."""
    if not isinstance(given, Mapping):
        return given
    old = {name: value for name, value in given.items() if name in STILL_TAKEN}
    rest = {name: value for name, value in given.items() if name not in old}
    return {RENAMED[name]: value for name, value in old.items()} | rest


def problems(given: object, defaults: Any) -> list[Problem]:
    """Returns all problems; `defaults` is an instance of the settings' dataclass."""
    known = {field.name: getattr(defaults, field.name) for field in fields(defaults)}
    found = [*values(given, known, "STREAMS")]
    if not found and isinstance(given, Mapping):
        for name, options in given.get("models", {}).items():
            found += values(options, OPTIONS, f"STREAMS models {name}")
        agents = given.get("agents", {})
        found += values(agents, dict.fromkeys(agents, ""), "STREAMS agents")
        for name, options in given.get("mcp", {}).items():
            found += values(options, MCP_OPTIONS, f"STREAMS mcp {name}")
        for name, options in given.get("webhooks", {}).items():
            found += values(options, WEBHOOK_OPTIONS, f"STREAMS webhooks {name}")
        found += values(given.get("push", {}), PUSH_OPTIONS, "STREAMS push")
    return found


def values(given: object, known: Mapping[str, object], where: str) -> Iterator[Problem]:
    """Returns the problems of a dictionary's names, and of its values compared with the
    defaults.
    """
    if not isinstance(given, Mapping):
        yield wrong(where, given, {})
        return
    for name, value in given.items():
        if name not in known:
            yield Problem("streams.E005", f"{where} has no {name!r}.", nearest(name, known))
        elif not fits(value, known[name]):
            yield wrong(f"{where} {name}", value, known[name])


def nearest(name: object, known: Iterable[str]) -> str:
    """Returns the name that a setting has now, else the one that was probably meant, or all
    names if none is similar.
    """
    if (renamed := RENAMED.get(str(name), "")) in known:
        return f"It is called {renamed} now."
    close = get_close_matches(str(name), known, 1)
    return f"Did you mean {close[0]}?" if close else f"It has {', '.join(sorted(known))}."


def wrong(where: str, value: object, default: object) -> Problem:
    """Describes a wrong value without showing it: it may be a key in the wrong place."""
    return Problem(
        "streams.E006",
        f"{where} cannot be a {type(value).__name__}{shown(value)}.",
        f"Make it {KINDS[type(default)]}.",
    )


def shown(value: object) -> str:
    return f", {value!r}" if isinstance(value, (bool, int, float)) else ""


def fits(value: object, default: object) -> bool:
    match default:
        case bool() | str():
            return type(value) is type(default)
        case int() | float():
            number = isinstance(value, (int, float) if type(default) is float else int)
            return number and not isinstance(value, bool) and value >= 0  # type: ignore[operator]
        case list():
            return isinstance(value, (list, tuple)) and all(isinstance(it, str) for it in value)
    return isinstance(value, Mapping)
