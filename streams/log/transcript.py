"""Folds events into the messages of a conversation; no input or output.

Worker, page, API and tests share this code. Folding a whole log gives what the server renders;
folding the rest from a snapshot's head gives the same, since each step depends only on the state so
far and one event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from . import branches, call_states, file_references
from .transcript_types import OPEN as OPEN
from .transcript_types import Block as Block
from .transcript_types import MessageState as MessageState
from .transcript_types import Row as Row
from .transcript_types import RunState as RunState


@dataclass(slots=True)
class Transcript:
    """A conversation as its log describes it; `head` is the number of the last event applied.

    Messages of all branches stand in reading order: each answer after the prompt it answers.
    """

    head: int = 0
    messages: list[MessageState] = field(default_factory=list)
    runs: dict[str, RunState] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        ahead = {run.id: at for at, run in enumerate(self.in_turn())}
        return {
            "head": self.head,
            "messages": [asdict(message) for message in self.messages],
            "runs": [{**asdict(run), "ahead": ahead.get(run.id, 0)} for run in self.runs.values()],
        }

    def in_turn(self) -> list[RunState]:
        """Returns the open runs in the order in which they will be claimed."""
        open = [run for run in self.runs.values() if run.status in OPEN]
        return sorted(open, key=lambda run: run.turn)

    def branch(self, holding: str | None = None) -> list[MessageState]:
        """Returns the messages of the newest branch, or of the newest that holds a message, in
        reading order: what a page shows.
        """
        if holding is None:
            return branches.ending_at_newest(self.messages)
        return branches.holding(self.messages, holding)

    def siblings(self) -> dict[str, list[str]]:
        """Returns what else stands in the place of each message, by its id."""
        return branches.siblings(self.messages)

    def apply(self, row: Row) -> None:
        """Applies one event. One at or before the head is a repeat and changes nothing."""
        if row.seq <= self.head:
            return
        step = STEPS.get(row.type)
        if step is not None:
            step(self, row)
        if row.type in call_states.STEPS:
            call_states.STEPS[row.type](self.runs[row.data["run"]].calls, row.data)
        self.head = row.seq

    def message_created(self, row: Row) -> None:
        data = row.data
        blocks = file_references.said(
            data["text"], data.get("attachments", ()), data.get("calls", ())
        )
        prompt = MessageState(data["message"], row.seq, data["role"], blocks)
        prompt.device, prompt.client_key = data.get("device"), data.get("client_key")
        prompt.parent = data.get("parent")
        self.messages.append(prompt)

    def run_queued(self, row: Row) -> None:
        data = row.data
        known = self.runs.get(data["run"])
        if known is not None:  # handed back by a worker that left: same place, same text
            known.status = "queued"
            return
        run = RunState(data["run"], data["message"], data["prompt"], data["model"])
        run.rank = data.get("rank", 0)
        self.runs[run.id] = run
        answer = MessageState(run.message, row.seq, "assistant", run=run.id, parent=run.prompt)
        self.messages.insert(self._place_behind(run.prompt), answer)

    def _place_behind(self, prompt: str) -> int:
        """Returns the position after the last answer to the prompt."""
        answers = {run.message for run in self.runs.values() if run.prompt == prompt}
        for at in range(len(self.messages) - 1, -1, -1):
            if self.messages[at].id == prompt or self.messages[at].id in answers:
                return at + 1
        return len(self.messages)

    def run_started(self, row: Row) -> None:
        run = self.runs[row.data["run"]]
        run.status = "running"
        run.attempt = row.data["attempt"]
        run.step = row.data.get("step", 1) - 1
        answer = self._answer(row)
        answer.blocks = kept(answer.blocks, row)

    def run_waiting(self, row: Row) -> None:
        self.runs[row.data["run"]].status = "waiting"

    def run_steered(self, row: Row) -> None:
        """A prompt joins the run; the run that was to answer it ends without an answer."""
        absorbed = self.runs[row.data["absorbed"]]
        absorbed.status, absorbed.stopping, absorbed.into = "steered", False, row.data["run"]
        self.messages = [each for each in self.messages if each.id != absorbed.message]
        for message in self.messages:
            if message.id == row.data["message"]:
                message.into, message.at_block = row.data["run"], row.data["at_block"]

    def step_started(self, row: Row) -> None:
        self.runs[row.data["run"]].step = row.data["step"]

    def block_started(self, row: Row) -> None:
        data = {k: v for k, v in row.data.items() if k != "run"}
        self._answer(row).blocks.append({**data, "text": ""})

    def block_delta(self, row: Row) -> None:
        block = next(b for b in self._answer(row).blocks if b["index"] == row.data["index"])
        grow(block, row, self.head)

    def run_cancel_requested(self, row: Row) -> None:
        self.runs[row.data["run"]].stopping = True

    def run_completed(self, row: Row) -> None:
        run = self._ended(row, "completed")
        run.stop_reason = row.data["stop_reason"]
        run.usage = row.data["usage"]

    def run_failed(self, row: Row) -> None:
        run = self._ended(row, "failed")
        run.error = {name: row.data[name] for name in ("code", "message", "retryable")}

    def run_cancelled(self, row: Row) -> None:
        run = self._ended(row, "cancelled")
        run.stopped_by = row.data.get("device")
        if run.attempt == 0:
            self._take_back(run)

    def _ended(self, row: Row, status: str) -> RunState:
        run = self.runs[row.data["run"]]
        run.status, run.stopping = status, False
        return run

    def _take_back(self, run: RunState) -> None:
        """Removes a run that never began, its answer, and its prompt if no other run answers
        that.
        """
        del self.runs[run.id]
        gone = {run.message}
        if not any(other.prompt == run.prompt for other in self.runs.values()):
            gone.add(run.prompt)
        self.messages = [message for message in self.messages if message.id not in gone]

    def _answer(self, row: Row) -> MessageState:
        wanted = self.runs[row.data["run"]].message
        return next(m for m in reversed(self.messages) if m.id == wanted)


STEPS = {
    "message.created": Transcript.message_created,
    "run.queued": Transcript.run_queued,
    "run.started": Transcript.run_started,
    "run.waiting": Transcript.run_waiting,
    "run.steered": Transcript.run_steered,
    "step.started": Transcript.step_started,
    "block.started": Transcript.block_started,
    "block.delta": Transcript.block_delta,
    "run.cancel_requested": Transcript.run_cancel_requested,
    "run.completed": Transcript.run_completed,
    "run.failed": Transcript.run_failed,
    "run.cancelled": Transcript.run_cancelled,
}


def fold(rows: Iterable[Row], into: Transcript | None = None) -> Transcript:
    """Applies events to `into`, or to an empty transcript, and returns it."""
    transcript = into or Transcript()
    for row in rows:
        transcript.apply(row)
    return transcript


def resumed(run: RunState, blocks: list[Block], rows: Iterable[Row]) -> list[Block]:
    """Applies the newest events of one open run, whatever of them `run` knows already, and returns
    the blocks of its answer; `blocks` are those before them.
    """
    answer = MessageState(run.message, 0, "assistant", blocks, run.id)
    fold(rows, Transcript(messages=[answer], runs={run.id: run}))
    return answer.blocks


def kept(blocks: Iterable[Block], started: Row) -> list[Block]:
    """Returns the blocks that a run which starts again goes on from."""
    return [block for block in blocks if block["index"] < started.data.get("from_block", 0)]


def grow(block: Block, row: Row, head: int) -> None:
    """Adds a piece to the text of its block, or replaces the text by one that holds it."""
    if row.data.get("from", row.seq) <= head:
        block["text"] = row.data["text"]
        return
    text = block.pop("text")  # which nothing else holds now, so that it grows without a copy
    text += row.data["text"]
    block["text"] = text


def blocks_of(rows: Iterable[Row], before: Iterable[Block] = ()) -> list[Block]:
    """Builds the blocks of one run from its own events, without those that were discarded; `before`
    are those it had before the first of these events.
    """
    blocks = {block["index"]: block for block in before}
    head = 0
    for row in rows:
        if row.type == "run.started":
            blocks = {block["index"]: block for block in kept(blocks.values(), row)}
        elif row.type == "block.started":
            block = {k: v for k, v in row.data.items() if k != "run"}
            blocks[row.data["index"]] = {**block, "text": ""}
        elif row.type == "block.delta":
            grow(blocks[row.data["index"]], row, head)
        head = row.seq
    return list(blocks.values())
