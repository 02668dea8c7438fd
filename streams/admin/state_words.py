"""The words for states of runs, calls, conversations, devices and workers, translatable."""

from __future__ import annotations

from django.utils.translation import pgettext_lazy

WORDS = {
    "queued": pgettext_lazy("state", "queued"),
    "running": pgettext_lazy("state", "running"),
    "waiting": pgettext_lazy("state", "waiting"),
    "stopping": pgettext_lazy("state", "stopping"),
    "completed": pgettext_lazy("state", "completed"),
    "failed": pgettext_lazy("state", "failed"),
    "cancelled": pgettext_lazy("state", "cancelled"),
    "steered": pgettext_lazy("state", "steered"),
    "set-aside": pgettext_lazy("state", "set aside"),
    "deleted": pgettext_lazy("state", "deleted"),
    "archived": pgettext_lazy("state", "archived"),
    "idle": pgettext_lazy("state", "idle"),
    "revoked": pgettext_lazy("state", "revoked"),
    "signed-out": pgettext_lazy("state", "signed out"),
    "known": pgettext_lazy("state", "known"),
    "alive": pgettext_lazy("state", "alive"),
    "draining": pgettext_lazy("state", "draining"),
    "stale": pgettext_lazy("state", "stale"),
    "stopped": pgettext_lazy("state", "stopped"),
    "approved": pgettext_lazy("state", "approved"),
    "denied": pgettext_lazy("state", "denied"),
    "answered": pgettext_lazy("state", "answered"),
    "ok": pgettext_lazy("state", "ok"),
    "error": pgettext_lazy("state", "error"),
    "unknown": pgettext_lazy("state", "unknown"),
    "thinking": pgettext_lazy("state", "thinking"),
    "writing": pgettext_lazy("state", "writing"),
    "silent": pgettext_lazy("state", "silent"),
}


def worded(state: str) -> str:
    """Returns the word for a state; one that has none is shown as it is."""
    return str(WORDS.get(state, state))
