"""Prepares a transcript for the page: prompts, answers, and the notes under them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from streams import markdown
from streams.log.transcript import OPEN, Block, MessageState, RunState
from streams.models import Device
from streams.partial_conversation_snapshot import PartialSnapshot
from streams.providers import stop_reason_words

from .call_presenter import SETTLED, ShownCall
from .file_presenter import ShownFile, shown_files
from .versions import Versions, versions
from .work_fold import Part, parts_of

LONG_LINES, LONG_CHARACTERS = 12, 1200
SILENT = ("reasoning",)  # kinds behind a fold: with only these the answer seems to think


@dataclass(slots=True)
class Shown:
    """A block with its closed part rendered for good and its open part for now."""

    block: Block
    closed: str
    closed_length: int
    live: bool = False
    open: str = ""
    seen_length: int = 0
    fenced: bool = False
    call: ShownCall | None = None

    @property
    def source(self) -> SafeString:
        """Encodes text for an attribute; a bare CR would reach the page as a line feed."""
        return mark_safe(escape(self.block["text"]).replace("\r", "&#13;"))


@dataclass(slots=True)
class Turn:
    """A prompt or an answer. `joined` holds the prompts that steered it, and `worked` the seconds
    it was at work.
    """

    message: MessageState
    at: datetime | None = None
    run: RunState | None = None
    ahead: int = 0
    joins: bool = False
    blocks: list[Shown] = field(default_factory=list)
    joined: list[Turn] = field(default_factory=list)
    worked: float = 0.0
    stopped: str = ""
    versions: Versions | None = None

    @property
    def imported(self) -> bool:
        """Tells whether it is an answer that was given elsewhere."""
        return self.run is None and self.message.role == "assistant"

    @property
    def text(self) -> str:
        return "".join(b["text"] for b in self.message.blocks if b["kind"] == "text")

    @property
    def files(self) -> list[ShownFile]:
        return shown_files(self.message.blocks)

    @property
    def long(self) -> bool:
        """Tells whether a prompt is folded; static/streams/js/long_prompt.js says the same."""
        return self.text.count("\n") >= LONG_LINES or len(self.text) > LONG_CHARACTERS

    @property
    def waiting(self) -> bool:
        return self.ahead > 0

    @property
    def ahead_words(self) -> str:
        if self.joins:
            return gettext("Joins the answer above with its next step, or follows it")
        words = ngettext(
            "Waiting for the answer before this one",
            "Waiting for %(count)d answers before this one",
            self.ahead,
        )
        return words % {"count": self.ahead}

    @property
    def busy(self) -> bool:
        return self.run is not None and self.run.status in OPEN

    @property
    def thinking(self) -> bool:
        """Tells whether the answer is open and has nothing to read yet, or nothing new since its
        calls ended.
        """
        if not self.busy or self.run is None:
            return False
        calls = {call.block: call.status for call in self.run.calls.values()}
        for block in reversed(self.message.blocks):
            if block["kind"] == "tool_call":
                return calls.get(block["index"]) in SETTLED
            if block["text"] and block["kind"] not in SILENT:
                return False
        return True

    @property
    def parts(self) -> list[Part]:
        return parts_of(self.run, self.blocks, self.joined, self.worked) if self.run else []

    @property
    def state(self) -> str:
        """Returns what the page shows of the run; `static/streams/js/answer.js` has the same
        rules.
        """
        if self.run is None or not self.busy:
            return self.run.status if self.run else ""
        if self.waiting:
            return "waiting"
        if self.run.stopping:
            return "stopping"
        if self.run.status == "waiting":
            return "asking"
        return "thinking" if self.thinking else "streaming"

    @property
    def restarted(self) -> bool:
        """Tells whether the run has begun again, or was handed back to begin again."""
        attempts_behind = 0 if self.run and self.run.status == "queued" else 1
        return self.run is not None and self.busy and self.run.attempt > attempts_behind

    @property
    def steps(self) -> str:
        """Returns what the page's script goes on from, as JSON: see `run_steps.js`. Results are in
        the page already.
        """
        if self.run is None:
            return ""
        calls = {id: asdict(call) | {"result": None} for id, call in self.run.calls.items()}
        return json.dumps({"step": self.run.step, "calls": calls})

    @property
    def failure(self) -> str:
        """The log keeps it in English; the sentences are those of `base.SENTENCES`."""
        error = self.run.error if self.run else None
        return gettext(error["message"]) if error and error["message"] else ""

    @property
    def ending(self) -> str:
        return stop_reason_words.ending(self.run.stop_reason) if self.run else ""

    @property
    def unfinished(self) -> bool:
        """Tells whether the answer can be continued."""
        return self.run is not None and self.run.stop_reason in stop_reason_words.UNFINISHED


def turns_of(snapshot: PartialSnapshot, device: Device | None) -> list[Turn]:
    """Returns prompts and current answers in reading order; of several answers to one prompt, the
    last.
    """
    runs = snapshot.transcript.runs
    ahead = {run.id: at for at, run in enumerate(snapshot.transcript.in_turn())}
    joins = snapshot.steers
    turns: list[Turn] = []
    answers: dict[str, Turn] = {}  # by run
    shown = snapshot.transcript.messages
    blocks = formatted(shown, runs, str(device.uuid) if device else None)
    for message in shown:
        run = runs[message.run] if message.run else None
        turn = Turn(message, snapshot.times.get(message.id), run)
        turn.blocks = blocks.get(message.id, [])
        turn.versions = versions(snapshot.siblings, message.id)
        if message.into in answers:
            answers[message.into].joined.append(turn)
            continue
        if run:
            answers[run.id] = turn
            turn.ahead = ahead.get(run.id, 0)
            turn.joins = joins
            turn.stopped = stopped_words(run, device)
            turn.worked = snapshot.worked.get(run.id, 0.0)
            if turns and turns[-1].run and turns[-1].run.prompt == run.prompt:
                turns.pop()
        turns.append(turn)
    return turns


def formatted(
    branch: Sequence[MessageState], runs: dict[str, RunState], here: str | None
) -> dict[str, list[Shown]]:
    """Renders the blocks of each answer, the newest first: if time runs out, older ones stay
    plain. `here` is the id of the device that looks.
    """
    return {
        message.id: blocks_of(message, runs.get(message.run or ""), here)
        for message in reversed(branch)
        if message.role == "assistant"
    }


def blocks_of(message: MessageState, run: RunState | None, here: str | None) -> list[Shown]:
    busy = run is not None and run.status in OPEN
    calls = {call.block: call for call in run.calls.values()} if run else {}
    found = []
    for block in message.blocks:
        if block["kind"] == "tool_call":  # one that was called elsewhere has no run
            call = ShownCall(block, run, calls.get(block["index"]), here, busy) if run else None
            found.append(Shown(block, "", 0, call=call))
        else:
            found.append(shown(block, busy))
    return found


def shown(block: Block, busy: bool) -> Shown:
    text = block["text"]
    if not busy:
        return Shown(block, markdown.render(text), utf16_length(text))
    parts = markdown.split(text)
    source = "".join(parts.closed)
    closed = "".join(map(markdown.render_block, parts.closed))
    growing = markdown.render_open(parts.open)
    seen = utf16_length(source + growing.shown)
    return Shown(block, closed, utf16_length(source), True, growing.html, seen, growing.fenced)


def utf16_length(text: str) -> int:
    """Counts as JavaScript does, in which a character beyond U+FFFF has length two."""
    return len(text) + sum(character > "\uffff" for character in text)


def stopped_words(run: RunState, device: Device | None) -> str:
    if run.status != "cancelled":
        return ""
    by = run.stopped_by
    here = str(device.uuid) if device else None
    if by and by["id"] != here:
        return gettext("Stopped by %(name)s") % {"name": by["name"]}
    return gettext("Stopped")
