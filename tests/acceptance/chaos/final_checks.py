"""Checks after the storm: the table against itself, and every device against the table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streams.log.transcript import Row, fold

from .device import Device
from .model import Model
from .postgres import Postgres

TERMINAL = ("run.completed", "run.failed", "run.cancelled")


@dataclass
class Log:
    """One conversation's rows, and the runs its table knows."""

    rows: list[Row]
    runs: dict[str, str] = field(default_factory=dict)  # uuid -> status

    def text(self, run: str, index: int, first: int, last: int) -> str:
        return "".join(
            row.data["text"]
            for row in self.rows[first - 1 : last]
            if row.type == "block.delta" and (row.data["run"], row.data["index"]) == (run, index)
        )


@dataclass
class Verdict:
    stored: int = 0
    delivered: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def against(self, what: str, example: str, times: int = 1) -> None:
        if times:
            self.broken[what] += times
            self.examples.setdefault(what, example)


async def read(postgres: Postgres) -> dict[str, Log]:
    logs: dict[str, Log] = defaultdict(lambda: Log([]))
    async with await postgres.connect() as connection:
        for query, put in (
            (
                "SELECT c.uuid::text, e.seq, e.type, e.data FROM streams_event e"
                " JOIN streams_conversation c ON c.id = e.conversation_id ORDER BY c.id, e.seq",
                lambda log, row: log.rows.append(Row(*row)),
            ),
            (
                "SELECT c.uuid::text, r.uuid::text, r.status FROM streams_run r"
                " JOIN streams_conversation c ON c.id = r.conversation_id",
                lambda log, row: log.runs.update([row]),
            ),
        ):
            for uuid, *row in await (await connection.execute(query)).fetchall():
                put(logs[uuid], row)
    return logs


def judge(logs: dict[str, Log], devices: Iterable[Device], model: Model) -> Verdict:
    verdict = Verdict()
    for uuid, log in logs.items():
        if [row.seq for row in log.rows] != list(range(1, len(log.rows) + 1)):
            verdict.against("logs with gaps", uuid)
        for run, status in log.runs.items():
            own = [row for row in log.rows if row.data.get("run") == run]
            judge_run(verdict, run, status, own, model)
    for device in devices:
        judge_device(verdict, device, logs[device.conversation])
    return verdict


def judge_run(verdict: Verdict, run: str, status: str, own: Sequence[Row], model: Model) -> None:
    """Each attempt holds one request's tokens from the first on, in order, once: a zombie's
    would be another request's."""
    verdict.ends[status] += 1
    ends = [row.type for row in own if row.type in TERMINAL]
    if ends != [f"run.{status}"]:
        verdict.against("runs without exactly one terminal event", f"{run} {status}: {ends}")
    attempts: list[list[tuple[int, int]]] = [[]]
    for row in own:
        if row.type == "run.started":
            attempts.append([])
        elif row.type == "block.delta":
            attempts[-1] += [tuple(map(int, word.split("."))) for word in row.data["text"].split()]
    for tokens in attempts:
        verdict.stored += len(tokens)
        numbers = [n for _, n in tokens]
        if len({request for request, _ in tokens}) > 1:
            verdict.against("attempts with another's tokens", f"{run}: {tokens}")
        elif numbers != list(range(len(numbers))):
            doubled = len(numbers) - len(set(numbers))
            if doubled:
                verdict.against("tokens doubled", f"{run}: {numbers}", doubled)
            verdict.against(
                "tokens lost", f"{run}: {numbers}", max(0, max(numbers) + 1 - len(set(numbers)))
            )
    if status == "completed" and (last := attempts[-1]):
        missing = model.lengths[last[0][0]] - len(last)
        if missing:
            verdict.against("tokens lost", f"{run}: {missing} at its end", missing)


def judge_device(verdict: Verdict, device: Device, log: Log) -> None:
    verdict.delivered += device.counts["tokens"]
    for row in device.shown:
        if row.type == "block.delta":
            data = row.data
            first = data.get("from", row.seq)
            true = log.text(data["run"], data["index"], first, row.seq) == data["text"]
        else:
            true = row == log.rows[row.seq - 1]
        if not true:
            verdict.against("events shown that are not in the table", f"{row}")
    device.shown.clear()
    if device.transcript.as_dict() != fold(log.rows).as_dict():
        verdict.against("devices that differ from the table", device.conversation)


def table(verdict: Verdict, rows: dict[str, object]) -> str:
    lines = [f"{name:<46}{count:>12}" for name, count in rows.items()]
    return "\n".join(["", *lines, *(f"{what}: {e}" for what, e in verdict.examples.items())])
