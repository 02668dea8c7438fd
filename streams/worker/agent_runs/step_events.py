"""The events of a step's end, with what they change in the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from ... import log
from ...agents.tool import Tool
from ...conf import conf
from ..answer import Answer
from ..claimed_run import Claimed
from ..continued_run import Repeated


def ended(
    run: Claimed, step: log.EndedStep, answer: log.AnswerSoFar, made: Sequence[log.NewCall]
) -> list[log.NewEvent]:
    """Makes the events of a step's end, and of its calls that wait for a decision."""
    said = [
        {"id": str(call.uuid), "call_id": call.call_id, "name": call.name, "block": call.block}
        for call in made
    ]
    event = run.noted(
        "step.ended",
        log.Ledger(ended=step, answer=answer, made=made),
        step=step.number,
        stop_reason=step.stop_reason,
        usage=dict(step.usage),
        calls=said,
    )
    return [event, *(waiting(run, call) for call in made if call.status == "waiting")]


def waiting(run: Claimed, call: log.NewCall) -> log.NewEvent:
    known = {"call_id": call.call_id, "id": str(call.uuid), "name": call.name}
    arguments = call.arguments[: conf().tool_arguments_bytes]
    return run.event("tool.waiting", **known, arguments=arguments, client=call.client)


def again(what: Repeated, block: int, tool: Tool | None) -> log.NewCall:
    """Makes the row of a call that a person lets run again, and so approves."""
    return log.NewCall(
        uuid=uuid.uuid4(),
        step=1,
        block=block,
        call_id=f"again#{block}",
        vendor_id=f"again#{block}",
        name=what.name,
        arguments=what.arguments,
        key=what.key,
        repeat=tool.repeat if tool else "never",
        client=False,
        status="approved",
        decision="approved",
        device=what.device,
    )


def asking_again(run: Claimed, answer: Answer, call: log.NewCall) -> list[log.NewEvent]:
    """Makes the events of a step that asks no model, and adds its block to the answer."""
    block: dict[str, Any] = {"index": call.block, "kind": "tool_call"}
    block |= {"name": call.name, "call_id": call.call_id}
    answer.start(block)
    answer.grow(call.block, call.arguments)
    answer.end(call.block)
    return [
        run.noted("step.started", log.Ledger(began=1), step=1),
        run.event("block.started", **block),
        run.event("block.delta", index=call.block, text=call.arguments),
        run.event("block.ended", index=call.block),
    ]


def approved(run: Claimed, call: log.NewCall) -> log.NewEvent:
    by = {"device": call.device} if call.device else {}
    return run.event("tool.decided", call_id=call.call_id, decision="approved", **by)
