"""A post that goes on with a run which waits: interrupts are answered, or the client has run tools
itself. For the client that is another run, under the id it gives; here it is the same one.

https://docs.ag-ui.com/concepts/interrupts
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import Q

from streams.dialects import client_ids
from streams.dialects.posted_tools import tools_in
from streams.dialects.runs import with_all
from streams.dialects.tool_decisions import Decided, block_in, decide, text_of
from streams.exceptions import Invalid, NotFound
from streams.models import Conversation, Device, Run, ToolCall
from streams.postgres.database import atomic

from . import run_ids

NOTHING_WAITS = "Nothing in this thread waits for that: it isn't here, or isn't yours."


class Answers(NamedTuple):
    """What a post answers: entries of `resume`, and tool messages at its end."""

    resumed: list[Mapping[str, Any]]
    results: list[Mapping[str, Any]]


def answers_in(given: Mapping[str, Any]) -> Answers | None:
    """Returns None for a post that ends with a prompt. Raises Invalid."""
    resumed = given.get("resume") or []
    if not isinstance(resumed, list) or not all(isinstance(it, Mapping) for it in resumed):
        raise Invalid("resume is a list of answers to interrupts.", field="resume")
    messages = given.get("messages")
    results: list[Mapping[str, Any]] = []
    for message in reversed(messages if isinstance(messages, list) else []):
        if not isinstance(message, Mapping) or message.get("role") != "tool":
            break
        results.append(message)
    return Answers(resumed, results) if resumed or results else None


@atomic
def go_on(user: Any, device: Device, given: Mapping[str, Any], answers: Answers) -> tuple[Run, int]:
    """Records what was answered. Returns the run, and the number of the event at which the client's
    own run ended. Tools that come along are the client's from then on.

    Raises Invalid, and NotFound where none of it is about a call in this thread.
    """
    here = client_ids.conversation_of(user, client_ids.name_in(given.get("threadId"), "threadId"))
    run = run_of(here, answers) if here else None
    if run is None:
        raise NotFound(NOTHING_WAITS)
    tools = None if given.get("tools") is None else tools_in(given["tools"])
    after = decide(run, device, decisions(answers))
    if tools is not None:
        run_ids.keep(run, run_ids.locked(run) | {"tools": tools})
    run_ids.remember(run, client_ids.name_in(given.get("runId"), "runId"), after)
    return with_all(run), after


def run_of(here: Conversation, answers: Answers) -> Run | None:
    """Returns the run whose calls are answered."""
    ids = [client_ids.as_uuid(str(it.get("interruptId"))) for it in answers.resumed]
    known = ToolCall.objects.filter(run__conversation=here, uuid__in=[id for id in ids if id])
    told = [client_ids.as_uuid(answer_in(it)) for it in answers.results]
    meant = Q(pk__in=known.values("run")) | Q(answer__uuid__in=[id for id in told if id])
    return here.runs.filter(meant).order_by("pk").last()


def answer_in(result: Mapping[str, Any]) -> str:
    """Returns the id of the answer in that of its call."""
    return str(result.get("toolCallId")).partition(":")[0]


def decisions(answers: Answers) -> list[Decided]:
    return [*map(decision_in, answers.resumed), *map(result_in, answers.results)]


def decision_in(entry: Mapping[str, Any]) -> Decided:
    """An answer is `{"approved": true}`, or true; one that was cancelled is a no."""
    payload = entry.get("payload")
    told = payload if isinstance(payload, Mapping) else {"approved": payload}
    approved = entry.get("status") == "resolved" and told.get("approved") is True
    note = told.get("reason")
    return Decided(
        str(entry.get("interruptId")),
        -1,
        "approved" if approved else "denied",
        note=note if isinstance(note, str) else "",
    )


def result_in(message: Mapping[str, Any]) -> Decided:
    block = block_in(str(message.get("toolCallId")), ".")
    content = message.get("error") or message.get("content") or ""
    return Decided("", block, "answered", result=text_of(content))
