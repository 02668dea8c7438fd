"""The calls of a run as its events describe them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .transcript_types import CallState

Calls = dict[str, CallState]  # by `call_id`


def step_ended(calls: Calls, data: Mapping[str, Any]) -> None:
    for call in data.get("calls", ()):
        calls[call["call_id"]] = CallState(call["id"], call["name"], call["block"], data["step"])


def waiting(calls: Calls, data: Mapping[str, Any]) -> None:
    call = calls[data["call_id"]]
    call.status, call.client = "waiting", data.get("client", False)


def decided(calls: Calls, data: Mapping[str, Any]) -> None:
    call = calls[data["call_id"]]
    call.decision, call.device, call.note = data["decision"], data.get("device"), data.get("note")
    call.status = "denied" if call.decision == "denied" else "approved"


def started(calls: Calls, data: Mapping[str, Any]) -> None:
    call = calls[data["call_id"]]
    call.status, call.progress = "running", None


def progressed(calls: Calls, data: Mapping[str, Any]) -> None:
    calls[data["call_id"]].progress = data["text"]


def ended(calls: Calls, data: Mapping[str, Any]) -> None:
    call = calls[data["call_id"]]
    call.status, call.result, call.ms = data["status"], data["result"], data.get("ms")
    call.progress = None


STEPS = {
    "step.ended": step_ended,
    "tool.waiting": waiting,
    "tool.decided": decided,
    "tool.started": started,
    "tool.progress": progressed,
    "tool.ended": ended,
}
