"""What a response says, as items of its output; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.dialects import openai_ids as ids

Event = dict[str, Any]

RESULT = "tool_result"  # of a call that the server has run


def framed(event: Event, number: int) -> bytes:
    told = orjson.dumps(event | {"sequence_number": number})
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), told)


@dataclass(slots=True)
class Item:
    """One block of an answer as an item, and the events by which a stream tells of it."""

    id: str
    kind: str
    index: int  # in the output
    name: str = ""
    call_id: str = ""
    status: str = "in_progress"
    pieces: list[str] = field(default_factory=list)  # joined when all is told: adding up is slow
    ends: tuple[bytes, bytes] = (b"", b"")  # of a delta's frame, once there was one

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def value(self) -> dict[str, Any]:
        """Returns the item as it stands."""
        if self.kind == "reasoning":
            summary = [self.part()] if self.text else []
            return {"id": self.id, "type": "reasoning", "summary": summary, "status": self.status}
        if self.kind == "tool_call":
            known = {"call_id": self.call_id, "name": self.name, "arguments": self.text}
            return {"id": self.id, "type": "function_call", **known, "status": self.status}
        if self.kind == RESULT:
            told = {"call_id": self.call_id, "output": self.text}
            return {"id": self.id, "type": "function_call_output", **told, "status": self.status}
        content = [self.part()] if self.text or self.status != "in_progress" else []
        own = {"id": self.id, "type": "message", "role": "assistant"}
        return own | {"status": self.status, "content": content}

    def part(self) -> dict[str, Any]:
        if self.kind == "reasoning":
            return {"type": "summary_text", "text": self.text}
        if self.kind == "refusal":
            return {"type": "refusal", "refusal": self.text}
        return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": []}

    def begin(self) -> list[Event]:
        events = [self._of_item("added")]
        if self.kind == "reasoning":
            events.append(self._of_part("response.reasoning_summary_part.added"))
        elif self.kind != "tool_call":
            events.append(self._of_part("response.content_part.added"))
        return events

    def grow(self, text: str) -> None:
        self.pieces.append(text)

    def delta(self, text: str, number: int) -> bytes:
        """Returns the frame of a delta. Its ends are made once: most frames are these."""
        if not self.ends[0]:
            event = self._of_text("delta", delta="")
            before, _, behind = framed(event, 0).partition(b'"delta":""')
            self.ends = before + b'"delta":', behind.removesuffix(b"0}\n\n")
        before, behind = self.ends
        return b"%s%s%s%d}\n\n" % (before, orjson.dumps(text), behind, number)

    def end(self, status: str) -> list[Event]:
        self.status = status
        if self.kind == "tool_call":
            done = self._of_text("done", arguments=self.text, name=self.name)
            return [done, self._of_item("done")]
        said = {"refusal": self.text} if self.kind == "refusal" else {"text": self.text}
        part = "reasoning_summary_part" if self.kind == "reasoning" else "content_part"
        return [
            self._of_text("done", **said),
            self._of_part(f"response.{part}.done"),
            self._of_item("done"),
        ]

    def whole(self) -> list[Event]:
        return [self._of_item("added"), self._of_item("done")]

    def _of_item(self, what: str) -> Event:
        type = f"response.output_item.{what}"
        return {"type": type, "output_index": self.index, "item": self.value()}

    def _of_part(self, type: str) -> Event:
        return {"type": type, **self._place(), "part": self.part()}

    def _of_text(self, what: str, **said: Any) -> Event:
        word = {
            "reasoning": "reasoning_summary_text",
            "refusal": "refusal",
            "tool_call": "function_call_arguments",
        }.get(self.kind, "output_text")
        event = {"type": f"response.{word}.{what}", **self._place(), **said}
        return event | ({"logprobs": []} if word == "output_text" else {})

    def _place(self) -> dict[str, Any]:
        place: dict[str, Any] = {"item_id": self.id, "output_index": self.index}
        if self.kind == "reasoning":
            return place | {"summary_index": 0}
        return place if self.kind == "tool_call" else place | {"content_index": 0}


@dataclass(slots=True)
class Output:
    """The items of a run so far: all that were said, and those that stand."""

    run: str
    said: int = 0
    calls: dict[str, str] = field(default_factory=dict)  # ids for clients by those of the log
    # By the index of their block, or of a result by its call.
    standing: dict[int | str, Item] = field(default_factory=dict)

    def discard(self, from_block: int) -> list[Event]:
        """Forgets what was said from a block on when the answer is begun again there. What a client
        has seen cannot be unsaid: what was open ends as incomplete, and what comes is behind it."""
        events = self.close()
        self.standing = {
            key: item
            for key, item in self.standing.items()
            if from_block and (isinstance(key, str) or key < from_block)
        }
        return events

    def close(self) -> list[Event]:
        """Ends what is open as incomplete."""
        return self.end(list(self.standing), "incomplete")

    def know(self, data: Mapping[str, Any]) -> None:
        """Remembers what clients call a call, also one that an earlier response holds."""
        self.calls[data["call_id"]] = ids.call_id(self.run, data["index"])

    def begin(self, seq: int, data: dict[str, Any]) -> list[Event]:
        item = Item(ids.item_id(data["kind"], self.run, seq), data["kind"], self.said)
        item.name = data.get("name") or ""
        item.call_id = self.calls[data["call_id"]] if data.get("call_id") else ""
        self.standing[data["index"]] = item
        self.said += 1
        return item.begin()

    def grow(self, data: Mapping[str, Any]) -> Item | None:
        """Returns the item that has got more text, if one has."""
        item = self.standing.get(data["index"])
        if item is None or not data["text"]:
            return None
        item.grow(data["text"])
        return item

    def result(self, seq: int, data: dict[str, Any]) -> list[Event]:
        """Says what became of a call that the server has run."""
        item = Item(ids.item_id(RESULT, self.run, seq), RESULT, self.said, status="completed")
        item.call_id = self.calls.get(data["call_id"], "")
        item.pieces = [data.get("result") or ""]
        self.standing[data["call_id"]] = item
        self.said += 1
        return item.whole()

    def end(self, indexes: Iterable[int | str], status: str) -> list[Event]:
        items = [self.standing[index] for index in indexes if index in self.standing]
        open = [item for item in items if item.status == "in_progress"]
        return [event for item in open for event in item.end(status)]

    def values(self) -> list[dict[str, Any]]:
        return [item.value() for item in self.standing.values()]
