"""Describes stop reasons in words for people."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

# How an answer that is no failure ended: nothing where it is whole. The pages' scripts read
# them here too.
ENDINGS: dict[str, str] = {
    "end_turn": "",
    "stop": "",
    "max_tokens": _("This answer reached its length limit."),
    "content_filter": _("The model's service cut this answer short."),
    "refusal": _("The model declined to answer this."),
    "pause_turn": _("The model paused before this answer was finished."),
    "tool_call": _("The model asked for a tool, and there is none here."),
    "max_steps": _("This answer reached its limit of steps."),
    "max_seconds": _("This answer reached its limit of time."),
    "max_usage": _("This answer reached its limit of tokens."),
    "max_cost": _("This answer reached its limit of money."),
    "interrupted": _("The model's service stopped before this answer was finished."),
}
UNKNOWN_ENDING = _("The model's service ended this answer for a reason of its own: %(reason)s.")
LIMITS = ("max_steps", "max_seconds", "max_usage", "max_cost")  # of an agent
UNFINISHED = ("max_tokens", "pause_turn", "interrupted", *LIMITS)  # "Continue" is offered


def ending(stop_reason: str) -> str:
    """Returns the sentence shown under an answer that ended with this stop reason."""
    known = ENDINGS.get(stop_reason, UNKNOWN_ENDING) if stop_reason else ""
    return known and gettext(known) % {"reason": stop_reason}
