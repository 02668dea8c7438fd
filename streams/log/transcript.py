"""Folds events into the messages of a conversation; no input or output.

Worker, page, API and tests share this code. Folding a whole log gives what the server renders;
folding the rest from a snapshot's head gives the same, since each step depends only on the state so
far and one event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from . import branches


class Row(NamedTuple):
    """An event as it was read: number, type and data."""

    seq: int
    type: str
    data: Mapping[str, Any]


Block = dict[str, Any]  # {"index", "kind", "text"} and for a tool call "name", "call_id"


@dataclass(slots=True)
class RunState:
    id: str
    message: str
    prompt: str
    model: str
    status: str = "queued"
    rank: int = 0
    attempt: int = 0
    stopping: bool = False
    stopped_by: dict[str, str] | None = None
    stop_reason: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    error: dict[str, Any] | None = None


@dataclass(slots=True)
class MessageState:
    """`parent` is the id of the message this one follows: of an answer, its prompt. None is the
    message before it, and "" a beginning.
    """

    id: str
    seq: int
    role: str
    blocks: list[Block] = field(default_factory=list)
    run: str | None = None
    device: dict[str, str] | None = None
    client_key: str | None = None
    parent: str | None = None


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
        open = [run for run in self.runs.values() if run.status in ("running", "queued")]
        return sorted(open, key=lambda run: (run.status == "queued", run.rank))

    def branch(self) -> list[MessageState]:
        """Returns the messages of the newest branch, in reading order: what a page shows."""
        return branches.ending_at_newest(self.messages)

    def apply(self, row: Row) -> None:
        """Applies one event. One at or before the head is a repeat and changes nothing."""
        if row.seq <= self.head:
            return
        step = STEPS.get(row.type)
        if step is not None:
            step(self, row)
        self.head = row.seq

    def message_created(self, row: Row) -> None:
        data = row.data
        block = {"index": 0, "kind": "text", "text": data["text"]}
        prompt = MessageState(data["message"], row.seq, data["role"], [block])
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
        if run.attempt > 1:
            self._answer(row).blocks = []

    def block_started(self, row: Row) -> None:
        data = {k: v for k, v in row.data.items() if k != "run"}
        self._answer(row).blocks.append({**data, "text": ""})

    def block_delta(self, row: Row) -> None:
        block = next(b for b in self._answer(row).blocks if b["index"] == row.data["index"])
        replaces = row.data.get("from", row.seq) <= self.head
        block["text"] = row.data["text"] if replaces else block["text"] + row.data["text"]

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


def blocks_of(rows: Iterable[Row]) -> list[Block]:
    """Builds the blocks of one run from its own events, beginning at its latest start."""
    blocks: dict[int, Block] = {}
    head = 0
    for row in rows:
        if row.type == "run.started":
            blocks = {}
        elif row.type == "block.started":
            block = {k: v for k, v in row.data.items() if k != "run"}
            blocks[row.data["index"]] = {**block, "text": ""}
        elif row.type == "block.delta":
            block = blocks[row.data["index"]]
            replaces = row.data.get("from", row.seq) <= head
            block["text"] = row.data["text"] if replaces else block["text"] + row.data["text"]
        head = row.seq
    return list(blocks.values())
