"""What a run waits for of its client, as its events say it; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from streams.dialects import openai_ids as ids
from streams.log.transcript import Row


class Called:
    """The calls of a run, some of which its client runs, and the tokens of its steps since an
    event. What is a client's is not known before its model has ended: calls of an agent's own tools
    look the same until then.
    """

    def __init__(self, run: str, since: int) -> None:
        self.used: Counter[str] = Counter()
        self._run = run
        self._since = since
        self._arguments: dict[int, list[str]] = {}  # by block
        self._blocks: dict[str, tuple[int, str]] = {}  # a call's block and name
        self._asks: set[str] = set()

    def note(self, row: Row) -> None:
        data = row.data
        if row.type == "block.started" and data.get("call_id"):
            self._blocks[data["call_id"]] = data["index"], data.get("name") or ""
            self._arguments[data["index"]] = []
        elif row.type == "block.delta" and data["index"] in self._arguments:
            self._arguments[data["index"]].append(data["text"])
        elif row.type == "tool.waiting" and data["client"]:
            self._asks.add(data["call_id"])
        elif row.type in ("tool.decided", "tool.ended"):
            self._asks.discard(data["call_id"])
        elif row.type == "step.ended" and row.seq > self._since:
            self.used.update(data["usage"])

    def end_here(self, row: Row) -> bool:
        """Tells whether the client has to run tools before anything else comes."""
        return row.type == "run.waiting" and bool(self._asks)

    def calls(self) -> list[dict[str, Any]]:
        """Returns what the client is asked to run, as Chat Completions has it."""
        blocks = sorted(self._blocks[call] for call in self._asks)
        return [
            {
                "id": ids.call_id(self._run, block),
                "type": "function",
                "function": {"name": name, "arguments": "".join(self._arguments[block])},
            }
            for block, name in blocks
        ]


def pieces_of(calls: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns calls as the deltas of a stream: first what is called, and then with what."""
    deltas: list[Mapping[str, Any]] = []
    for index, call in enumerate(calls):
        function = call["function"]
        begun = {**call, "function": {**function, "arguments": ""}}
        deltas += [
            {"tool_calls": [{"index": index, **begun}]},
            {"tool_calls": [{"index": index, "function": {"arguments": function["arguments"]}}]},
        ]
    return deltas
