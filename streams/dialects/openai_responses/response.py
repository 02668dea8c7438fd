"""A run as a Response; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.dialects import openai_ids as ids

STATUS = {
    "queued": "queued",
    "running": "in_progress",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
# Why a completed run is an incomplete response; others have reached their end.
INCOMPLETE: dict[str, dict[str, str] | None] = {
    "max_tokens": {"reason": "max_output_tokens"},
    "content_filter": {"reason": "content_filter"},
    "pause_turn": None,
    "interrupted": None,
    "max_usage": {"reason": "max_output_tokens"},
    **dict.fromkeys(("max_steps", "max_seconds", "max_cost")),
}
FAILURES = {
    "rate_limited": "rate_limit_exceeded",
    "context_length": "invalid_prompt",
    "bad_request": "invalid_prompt",
    "content_filter": "invalid_prompt",
}
# What comes back as it was asked, with what it is where nobody asked. Open Responses requires each
# of them, and some to be a number.
ECHOED: dict[str, Any] = {
    "background": False,
    "conversation": None,
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


@dataclass(slots=True)
class Response:
    """A run as OpenAI's object; `echo` is what was asked for with it. Times are seconds."""

    run: str
    model: str
    conversation: str
    created_at: float
    echo: Mapping[str, Any] = field(default_factory=dict)
    status: str = "queued"
    completed_at: float | None = None
    error: dict[str, Any] | None = None
    incomplete_details: dict[str, str] | None = None
    usage: dict[str, Any] | None = None
    since: int = 0  # the event of the run behind which it begins

    @property
    def id(self) -> str:
        return ids.response_id(self.run, self.since)

    def value(self, output: list[dict[str, Any]]) -> dict[str, Any]:
        echo = ECHOED | dict(self.echo)
        if echo["conversation"] is None and not echo["previous_response_id"]:
            echo["conversation"] = {"id": ids.conversation_id(self.conversation)}
        return echo | {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "completed_at": self.completed_at,
            "status": self.status,
            "error": self.error,
            "incomplete_details": self.incomplete_details,
            "model": self.model,
            "output": output,
            "usage": self.usage,
        }

    def completed(self, stop_reason: str, usage: Mapping[str, int]) -> str:
        """Returns the type of the stream's last event, as the other endings do."""
        self.usage = usage_of(usage)
        if stop_reason in INCOMPLETE:
            self.status, self.incomplete_details = "incomplete", INCOMPLETE[stop_reason]
            return "response.incomplete"
        self.status = "completed"
        return "response.completed"

    def waits(self, usage: Mapping[str, int]) -> str:
        """It ends with calls that the client runs; with their results another response goes on."""
        self.status, self.usage = "completed", usage_of(usage)
        return "response.completed"

    def failed(self, code: str, message: str) -> str:
        self.status = "failed"
        self.error = {"code": FAILURES.get(code, "server_error"), "message": message}
        return "response.failed"

    def steered(self) -> str:
        """Its prompt has joined the response that was being written, which answers it too."""
        self.status, self.incomplete_details = "incomplete", {"reason": "steered"}
        return "response.incomplete"

    def cancelled(self) -> str:
        """Clients know no event of that name, and some throw at what they do not know."""
        self.status = "cancelled"
        return "response.incomplete"


def usage_of(usage: Mapping[str, int]) -> dict[str, Any]:
    given, made = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    cached = usage.get("cached_tokens", 0)
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": usage.get("reasoning_tokens", 0)},
        "total_tokens": given + made,
    }
