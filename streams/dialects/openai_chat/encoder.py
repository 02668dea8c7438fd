"""A run's events as the pieces of a chat completion; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from streams.dialects import openai_ids as ids
from streams.dialects.openai_endpoint import error_body
from streams.exceptions import StreamsError
from streams.log.transcript import Row
from streams.providers.stop_reason_words import UNFINISHED

from .called import Called, pieces_of

TERMINAL = ("run.completed", "run.failed", "run.cancelled", "run.steered")
DONE = b"data: [DONE]\n\n"
REASONS = {"max_tokens": "length", "content_filter": "content_filter", "refusal": "content_filter"}
STATUSES = {
    "rate_limited": 429,
    "overloaded": 503,
    "unavailable": 503,
    "timeout": 504,
    "context_length": 400,
    "bad_request": 400,
    "content_filter": 400,
}
FIELDS = {"text": "content", "refusal": "refusal"}
STOPPED = "The answer was stopped."
AGAIN = "The answer had to begin again. Ask once more."


class NoAnswer(StreamsError):
    """Tells a client, which takes whatever ends well for whole, that its answer is not."""

    code, status = "server_error", 500

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code, self.status = code, STATUSES.get(code, 500)


@dataclass(frozen=True)
class Completion:
    """What is the same in all pieces of one completion: a run, from an event on."""

    run: str
    model: str
    created: int
    since: int = 0

    @cached_property
    def id(self) -> str:
        return ids.completion_id(self.run, self.since)

    def value(self, object: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        own = {"id": self.id, "object": object, "created": self.created, "model": self.model}
        return own | {"choices": choices, "system_fingerprint": None, **more}


class PieceEncoder:
    """Says a run's events as pieces, and ends with `[DONE]`, or with an error that has none. The
    completion is what comes behind the event `since`, up to where the run waits for its client.
    """

    def __init__(self, completion: Completion, usage: bool) -> None:
        self.over = False
        self._completion = completion
        self._usage = usage
        self._called = Called(completion.run, completion.since)
        # Of pieces, by block; of what is not said None.
        self._ends: dict[int, tuple[bytes, bytes] | None] = {}
        self._said = -1  # the last block of which anything was said

    def begin(self) -> bytes:
        return self._piece({"role": "assistant", "content": ""})

    def event(self, row: Row) -> bytes:
        if self.over:
            return b""
        # First: most events are pieces of what is said, and those before `since` have no ends.
        if row.type == "block.delta" and (ends := self._ends.get(row.data["index"])):
            return self._delta(ends, row.data)
        self._called.note(row)
        if row.seq <= self._completion.since and row.type not in TERMINAL:
            return b""
        if row.type == "block.started":
            field = FIELDS.get(row.data["kind"])
            self._ends[row.data["index"]] = self._around(field) if field else None
        elif row.type == "run.started" and self._said >= row.data.get("from_block", 0):
            return self._broken(NoAnswer(AGAIN, "server_error"))
        elif self._called.end_here(row):
            pieces = pieces_of(self._called.calls())
            return b"".join(map(self._piece, pieces)) + self._end("tool_calls", self._called.used)
        elif row.type == "run.completed":
            used = self._called.used if self._completion.since else row.data["usage"]
            return self._end(reason_of(row.data["stop_reason"]), used)
        elif (failure := failure_of(row)) is not None:
            return self._broken(failure)
        return b""

    def _around(self, field: str) -> tuple[bytes, bytes]:
        """Returns a piece before and behind its text, which is all that differs in a block's. No
        text in it holds the mark, since its quotes would be escaped there."""
        mark = b'"delta":{"%s":' % field.encode()
        before, _, behind = self._piece({field: ""}).partition(mark + b'""')
        return before + mark, behind

    def _delta(self, ends: tuple[bytes, bytes], data: Mapping[str, Any]) -> bytes:
        if not data["text"]:
            return b""
        self._said = data["index"]
        return orjson.dumps(data["text"]).join(ends)

    def _end(self, reason: str, used: Mapping[str, int]) -> bytes:
        self.over = True
        last = self._piece({}, reason)
        if self._usage:
            value = self._completion.value("chat.completion.chunk", [], usage=usage_of(used))
            last += framed(value)
        return last + DONE

    def _broken(self, failure: NoAnswer) -> bytes:
        self.over = True
        return framed(error_body(failure))

    def _piece(self, delta: Mapping[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        more = {"usage": None} if self._usage else {}
        return framed(self._completion.value("chat.completion.chunk", [choice], **more))


class WholeEncoder:
    """Says nothing until the completion has ended, and then all of it as one document.

    `event` raises NoAnswer at the end of a run that has failed or was stopped.
    """

    def __init__(self, completion: Completion) -> None:
        self.over = False
        self._completion = completion
        self._called = Called(completion.run, completion.since)
        self._said: dict[int, tuple[str, list[str]]] = {}  # each block's field, and what it says

    def begin(self) -> bytes:
        return b""

    def event(self, row: Row) -> bytes:
        if self.over:
            return b""
        self._called.note(row)
        if row.seq <= self._completion.since and row.type not in TERMINAL:
            return b""
        data = row.data
        if row.type == "run.started":
            kept = data.get("from_block", 0)
            self._said = {at: said for at, said in self._said.items() if at < kept}
        elif row.type == "block.started" and data["kind"] in FIELDS:
            self._said[data["index"]] = FIELDS[data["kind"]], []
        elif row.type == "block.delta" and data["index"] in self._said:
            self._said[data["index"]][1].append(data["text"])
        elif self._called.end_here(row):
            return self._document("tool_calls", self._called.used, self._called.calls())
        elif row.type == "run.completed":
            used = self._called.used if self._completion.since else data["usage"]
            return self._document(reason_of(data["stop_reason"]), used)
        elif (failure := failure_of(row)) is not None:
            raise failure
        return b""

    def _document(
        self, reason: str, used: Mapping[str, int], calls: Sequence[Mapping[str, Any]] = ()
    ) -> bytes:
        self.over = True
        content, refusal = self._text("content"), self._text("refusal")
        said = {"content": content if content or not calls else None, "refusal": refusal or None}
        called = {"tool_calls": calls} if calls else {}
        choice = {
            "index": 0,
            "message": {"role": "assistant", **said, **called, "annotations": []},
            "logprobs": None,
            "finish_reason": reason,
        }
        value = self._completion.value("chat.completion", [choice], usage=usage_of(used))
        return orjson.dumps(value)

    def _text(self, field: str) -> str:
        return "".join(
            text for name, texts in self._said.values() if name == field for text in texts
        )


def failure_of(row: Row) -> NoAnswer | None:
    if row.type == "run.failed":
        return NoAnswer(row.data["message"], row.data["code"])
    ended = row.type in ("run.cancelled", "run.steered")
    return NoAnswer(STOPPED, "cancelled") if ended else None


def reason_of(stop_reason: str) -> str:
    return REASONS.get(stop_reason, "length" if stop_reason in UNFINISHED else "stop")


def usage_of(usage: Mapping[str, int]) -> dict[str, Any]:
    given, made = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    return {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        "prompt_tokens_details": {"cached_tokens": usage.get("cached_tokens", 0)},
        "completion_tokens_details": {"reasoning_tokens": usage.get("reasoning_tokens", 0)},
    }


def framed(value: dict[str, Any]) -> bytes:
    return b"data: %s\n\n" % orjson.dumps(value)
