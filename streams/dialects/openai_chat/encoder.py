"""A run's events as the pieces of a chat completion; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from streams.dialects.openai_endpoint import error_body
from streams.exceptions import StreamsError
from streams.log.transcript import Row
from streams.providers.stop_reasons import UNFINISHED

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


@dataclass(frozen=True, slots=True)
class Completion:
    """The fields that all pieces of one completion share."""

    id: str
    model: str
    created: int

    def value(self, object: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        own = {"id": self.id, "object": object, "created": self.created, "model": self.model}
        return own | {"choices": choices, "system_fingerprint": None, **more}


class PieceEncoder:
    """Says a run's events as pieces, and ends with `[DONE]`, or with an error that has none."""

    def __init__(self, completion: Completion, usage: bool) -> None:
        self._completion = completion
        self._usage = usage
        self._kinds: dict[int, str] = {}
        self._said = self._over = False

    def begin(self) -> bytes:
        return self._piece({"role": "assistant", "content": ""})

    def event(self, row: Row) -> bytes:
        if self._over:
            return b""
        if row.type == "block.started":
            self._kinds[row.data["index"]] = FIELDS.get(row.data["kind"], "")
        elif row.type == "block.delta":
            return self._delta(row.data)
        elif row.type == "run.started" and self._said:
            return self._broken(NoAnswer(AGAIN, "server_error"))
        elif row.type == "run.completed":
            return self._completed(row.data)
        elif (failure := failure_of(row)) is not None:
            return self._broken(failure)
        return b""

    def _delta(self, data: Mapping[str, Any]) -> bytes:
        name = self._kinds.get(data["index"])
        if not (name and data["text"]):
            return b""
        self._said = True
        return self._piece({name: data["text"]})

    def _completed(self, data: Mapping[str, Any]) -> bytes:
        last = self._piece({}, reason_of(data["stop_reason"]))
        if self._usage:
            value = self._completion.value(
                "chat.completion.chunk", [], usage=usage_of(data["usage"])
            )
            last += framed(value)
        return last + DONE

    def _broken(self, failure: NoAnswer) -> bytes:
        self._over = True
        return framed(error_body(failure))

    def _piece(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        more = {"usage": None} if self._usage else {}
        return framed(self._completion.value("chat.completion.chunk", [choice], **more))


class WholeEncoder:
    """Says nothing until the run has ended, and then the completion as one document.

    `event` raises NoAnswer at the end of a run that has failed or was stopped.
    """

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._kinds: dict[int, str] = {}
        self._said: dict[str, list[str]] = {"content": [], "refusal": []}

    def begin(self) -> bytes:
        return b""

    def event(self, row: Row) -> bytes:
        data = row.data
        if row.type == "run.started":
            self._said = {"content": [], "refusal": []}
        elif row.type == "block.started":
            self._kinds[data["index"]] = FIELDS.get(data["kind"], "")
        elif row.type == "block.delta" and (name := self._kinds.get(data["index"])):
            self._said[name].append(data["text"])
        elif row.type == "run.completed":
            return orjson.dumps(self._document(data))
        elif (failure := failure_of(row)) is not None:
            raise failure
        return b""

    def _document(self, data: Mapping[str, Any]) -> dict[str, Any]:
        content, refusal = ("".join(self._said[name]) for name in ("content", "refusal"))
        said = {"content": content, "refusal": refusal or None}
        choice = {
            "index": 0,
            "message": {"role": "assistant", **said, "annotations": []},
            "logprobs": None,
            "finish_reason": reason_of(data["stop_reason"]),
        }
        return self._completion.value("chat.completion", [choice], usage=usage_of(data["usage"]))


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
