"""The rows of steps and calls that commit with an event of a run, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

from .encoding import dumps


@dataclass(slots=True)
class NewCall:
    """A row of `ToolCall` to insert; see there."""

    uuid: UUID
    step: int
    block: int
    call_id: str
    vendor_id: str
    name: str
    arguments: str
    key: UUID
    repeat: str
    client: bool
    status: str
    decision: str = ""
    device: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CallChange:
    """The change of one call; `result` and `ms` come with its end."""

    uuid: UUID
    status: str
    started: bool = False
    ended: bool = False
    result: str | None = None
    ms: int | None = None


@dataclass(frozen=True, slots=True)
class EndedStep:
    """A row of `Step` to insert; see there."""

    number: int
    stop_reason: str
    usage: Mapping[str, int]
    provider: str
    model: str
    replay: Sequence[Mapping[str, Any]]
    from_block: int


@dataclass(frozen=True, slots=True)
class AnswerSoFar:
    """The blocks of the answer's message once a step has ended, and the run's usage by then."""

    answer_id: int
    blocks: Sequence[Mapping[str, Any]]
    usage: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one event changes beside the log: a step begins or ends, and calls are made or change.
    With `ended` comes `answer`. `size` is the bytes of it all, about.

    One flush must not hold two changes of one call: settle in between.
    """

    began: int | None = None
    ended: EndedStep | None = None
    answer: AnswerSoFar | None = None
    made: Sequence[NewCall] = ()
    changed: CallChange | None = None
    waits: int = field(init=False, default=0)
    size: int = field(init=False, default=0, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "waits", sum(call.status == "waiting" for call in self.made))
        object.__setattr__(self, "size", sum(self._sizes()))

    def _sizes(self) -> Iterator[int]:
        if self.answer:
            yield from (len(block["text"]) for block in self.answer.blocks)
        if self.ended:
            yield len(dumps(self.ended.replay))
        yield from (len(call.arguments) for call in self.made)
        if self.changed:
            yield len(self.changed.result or "")


# What the model is told of a call that did not run to its end.
CANCELLED = "Stopped before it ran."
UNKNOWN = (
    "Nobody knows whether this was done: the server stopped while it ran. Do not take it for done, "
    "nor for undone, and do not repeat it unasked."
)


def unrun(started: bool) -> tuple[str, str]:
    """Returns status and result of a call that ends with its run, and that nobody is running."""
    return ("unknown", UNKNOWN) if started else ("cancelled", CANCELLED)


# More CTEs of the statement that appends. `accepted` are the conversations whose events go in.
KEPT = """
steps_kept AS (
    INSERT INTO streams_step
           (run_id, number, stop_reason, usage, provider, model, replay, from_block)
    SELECT x.run_id, x.number, x.stop_reason, x.usage, x.provider, x.model, x.replay, x.from_block
      FROM jsonb_to_recordset(%(steps)s::jsonb) AS x(
               conversation_id bigint, run_id bigint, number int, stop_reason text, usage jsonb,
               provider text, model text, replay jsonb, from_block int)
      JOIN accepted a ON a.id = x.conversation_id
), calls_made AS (
    INSERT INTO streams_toolcall
           (uuid, run_id, step, block, call_id, vendor_id, name, arguments, key, repeat, client,
            status, decision, device)
    SELECT x.uuid, x.run_id, x.step, x.block, x.call_id, x.vendor_id, x.name, x.arguments, x.key,
           x.repeat, x.client, x.status, x.decision, x.device
      FROM jsonb_to_recordset(%(made)s::jsonb) AS x(
               conversation_id bigint, run_id bigint, uuid uuid, step int, block int, call_id text,
               vendor_id text, name text, arguments text, key uuid, repeat text, client bool,
               status text, decision text, device jsonb)
      JOIN accepted a ON a.id = x.conversation_id
), calls_changed AS (
    UPDATE streams_toolcall t
       SET status = x.status, result = coalesce(x.result, t.result), ms = coalesce(x.ms, t.ms),
           started_at = CASE WHEN x.started THEN statement_timestamp() ELSE t.started_at END,
           ended_at = CASE WHEN x.ended THEN statement_timestamp() END
      FROM jsonb_to_recordset(%(changed)s::jsonb) AS x(
               conversation_id bigint, uuid uuid, status text, started bool, ended bool,
               result text, ms int)
      JOIN accepted a ON a.id = x.conversation_id
     WHERE t.uuid = x.uuid AND t.uuid = ANY(%(changed_calls)b::uuid[])
)"""


def rows(
    entries: Sequence[tuple[int, int | None, Ledger]],
) -> dict[str, list[dict[str, Any]] | list[UUID]]:
    """Builds the parameters of `KEPT` from (conversation, run, ledger), still to be encoded."""
    steps: list[dict[str, Any]] = []
    made: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for conversation_id, run_id, ledger in entries:
        of = {"conversation_id": conversation_id, "run_id": run_id}
        if ledger.ended:
            steps.append({**of, **columns(ledger.ended)})
        made += [{**of, **columns(call)} for call in ledger.made]
        if ledger.changed:
            changed.append({**of, **columns(ledger.changed)})
    return {
        "steps": steps,
        "made": made,
        "changed": changed,
        "changed_calls": [each["uuid"] for each in changed],
    }


def columns(row: EndedStep | NewCall | CallChange) -> dict[str, Any]:
    return {each.name: getattr(row, each.name) for each in fields(row)}
