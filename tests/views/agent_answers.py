"""What a worker writes of a run with tools, written by hand."""

from __future__ import annotations

import json
import uuid

from streams import log
from streams.log import transcript
from streams.log.ledger import AnswerSoFar, CallChange, EndedStep, Ledger, NewCall
from streams.models import Conversation, Run, ToolCall

from .answers import append, say


def step(
    run: Run, number: int, *calls: tuple[str, dict], says: str = "", waits=(), client=False
) -> None:
    """A model call that ends with these calls, each a tool's name and its arguments. Those in
    `waits`, by position, wait for a decision, or for the `client` that runs them.
    """
    append(run, told_with(run, Ledger(began=number), "step.started", step=number))
    first = index = len(transcript.blocks_of(log.run_rows(run.conversation_id, run.pk)))
    if says:
        say(run, says, index=index)
    made = []
    for at, (name, arguments) in enumerate(calls):
        index = first + bool(says) + at
        text = json.dumps(arguments, ensure_ascii=False)
        id = f"call-{number}-{at}"
        say(run, text, index=index, kind="tool_call", name=name, call_id=id)
        made.append(
            NewCall(
                uuid=uuid.uuid4(), step=number, block=index, call_id=id, vendor_id=id, name=name,
                arguments=text, key=uuid.uuid4(), repeat="never", client=client,
                status="waiting" if at in waits else "approved",
            )
        )  # fmt: skip
    end_step(run, number, first, made)


def end_step(run: Run, number: int, first: int, made: list[NewCall]) -> None:
    told = [
        {"id": str(it.uuid), "call_id": it.call_id, "name": it.name, "block": it.block}
        for it in made
    ]
    ended = EndedStep(
        number=number, stop_reason="tool_call", usage={}, provider="scripted", model="x",
        replay=[], from_block=first,
    )  # fmt: skip
    blocks = transcript.blocks_of(log.run_rows(run.conversation_id, run.pk))
    answer = AnswerSoFar(run.answer_id, blocks, usage={})
    known = {"step": number, "stop_reason": "tool_call", "usage": {}}
    event = told_with(
        run, Ledger(ended=ended, answer=answer, made=made), "step.ended", **known, calls=told
    )
    waiting = [
        run.event(
            "tool.waiting", id=str(it.uuid), call_id=it.call_id, name=it.name,
            arguments=it.arguments, client=it.client,
        )
        for it in made if it.status == "waiting"
    ]  # fmt: skip
    append(run, event, *waiting)


def wait(run: Run) -> None:
    append(run, run.event("run.waiting", attempt=run.attempt or 1), status="waiting")


def works(run: Run, call_id: str, progress: str = "") -> None:
    change = CallChange(one(run, call_id).uuid, "running", started=True)
    append(run, told_with(run, Ledger(changed=change), "tool.started", call_id=call_id))
    if progress:
        append(run, run.event("tool.progress", call_id=call_id, text=progress))


def done(run: Run, call_id: str, result: str = "Done", status: str = "ok", ms: int = 1200) -> None:
    change = CallChange(one(run, call_id).uuid, status, ended=True, result=result, ms=ms)
    said = {"call_id": call_id, "status": status, "result": result, "ms": ms}
    append(run, told_with(run, Ledger(changed=change), "tool.ended", **said))


def told_with(run: Run, ledger: Ledger, type: str, **data) -> log.NewEvent:
    return log.NewEvent(type, {"run": str(run.uuid), **data}, run.pk, ledger)


def one(run: Run, call_id: str) -> ToolCall:
    return run.calls.get(call_id=call_id)


def steered(run: Run, absorbed: Run) -> None:
    at_block = len(transcript.blocks_of(log.run_rows(run.conversation_id, run.pk)))
    Run.objects.filter(pk=absorbed.pk).update(status="steered", into=run, at_block=at_block)
    said = {"message": str(absorbed.prompt.uuid), "absorbed": str(absorbed.uuid)}
    append(run, run.event("run.steered", **said, at_block=at_block))


def agent_run(conversation: Conversation, device, prompt: str = "Refund order 41") -> Run:
    conversation.change(device, model="agent:shop")
    return Conversation.objects.get(pk=conversation.pk).post(prompt, device)[1]
