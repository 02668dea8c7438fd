"""Prepares a tool's call for the page: one line, and what opens behind it.

`static/streams/js/call_sentences.js` and `tool_call.js` draw the same of what happens later.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop, ngettext

from streams import tool_words
from streams.exact_json import fields_of
from streams.log.transcript_types import Block, CallState, RunState

LIVE = ("approved", "running")
SETTLED = ("ok", "error", "denied", "cancelled", "unknown")
NOTICED = 100  # milliseconds
SHOWN = 20_000  # characters of a result
NOTES = {
    "error": gettext_noop("failed"),
    "denied": gettext_noop("denied"),
    "cancelled": gettext_noop("stopped"),
    "unknown": gettext_noop("nobody knows whether it was done"),
}


@dataclass(frozen=True, slots=True)
class ShownCall:
    """A `tool_call` block, and its call where the step that asked for it has ended."""

    block: Block
    run: RunState
    call: CallState | None
    here: str | None  # the id of the device that looks
    open: bool  # whether the run has not ended

    @property
    def status(self) -> str:
        return self.call.status if self.call else ""

    @property
    def fields(self) -> list[tuple[str, str]] | None:
        return fields_of(self.block["text"])

    @property
    def words(self) -> str:
        name = self.block.get("name") or ""
        sentence = tool_words.words_of(self.run.model, name).of(self.status)
        said = tool_words.filled(sentence, self.fields, name)
        live = self.status in LIVE or (not self.status and self.open)
        return f"{said} …" if live else said

    @property
    def note(self) -> str:
        if self.call and self.status == "ok":
            ms = self.call.ms or 0
            return seconds_words(ms / 1000) if ms >= NOTICED else ""
        return gettext(NOTES[self.status]) if self.status in NOTES else ""

    @property
    def decided(self) -> str:
        """Says who decided, and what they wrote; nothing of what a client answered by itself."""
        call = self.call
        if call is None or call.decision not in ("approved", "denied"):
            return ""
        other = call.device if call.device and call.device["id"] != self.here else None
        if call.decision == "approved":
            said = gettext("Approved by %(name)s") % other if other else gettext("Approved")
        else:
            said = gettext("Denied by %(name)s") % other if other else gettext("Denied")
        return f"{said}: “{call.note}”" if call.note else said

    @property
    def progress(self) -> str:
        return (self.call.progress if self.call else "") or ""

    @property
    def result(self) -> str:
        """Returns what the model was told, as far as it is shown."""
        text = (self.call.result if self.call else "") or ""
        return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def worked_words(seconds: float, steps: int) -> str:
    """Says how long a run has worked and in how many steps; `seconds` is 0 where nobody knows."""
    counted = ngettext("%(count)d step", "%(count)d steps", steps) % {"count": steps}
    if seconds < 1:
        return counted
    return gettext("Worked for %(time)s") % {"time": length_words(seconds)} + f" · {counted}"


def seconds_words(seconds: float) -> str:
    if seconds >= 60:
        return length_words(seconds)
    return gettext("%(seconds)s s") % {"seconds": number_format(seconds, 1)}


def length_words(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if not minutes:
        return gettext("%(seconds)s s") % {"seconds": rest}
    hours, rest = divmod(minutes, 60)
    if not hours:
        return gettext("%(minutes)s min") % {"minutes": rest}
    return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": rest}
