"""Resumable chat for a Django site. `__all__` holds the names that are kept from release to
release; each is imported when it is first used, so that `import streams` works in settings too."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.chat import Chat, aconversations, aget, conversations, get
    from .api.following import Event, Follow
    from .api.run import Failure, Run
    from .api.starting import astart, start
    from .api.tool_call import ToolCall

__all__ = [
    "Chat",
    "Event",
    "Failure",
    "Follow",
    "Run",
    "ToolCall",
    "aconversations",
    "aget",
    "astart",
    "conversations",
    "get",
    "start",
]

_MODULES = {
    "streams.api.chat": ("Chat", "get", "aget", "conversations", "aconversations"),
    "streams.api.following": ("Event", "Follow"),
    "streams.api.run": ("Failure", "Run"),
    "streams.api.starting": ("start", "astart"),
    "streams.api.tool_call": ("ToolCall",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
