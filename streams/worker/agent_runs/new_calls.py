"""The calls that a model asks for, as the ledger begins with them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ... import log
from ...agents.calling import needs_approval
from ...log.transcript import Block
from .agent_work import Asked

NAME_LENGTH = 128  # of the column; no tool has a longer one, but a model may make one up


async def new_calls(
    blocks: Sequence[Block], step: int, vendor_ids: Mapping[int, str], asked: Asked
) -> list[log.NewCall]:
    """Makes the rows of a step's calls, and finds out which of them a person has to agree to."""
    return [
        await new_call(block, step, vendor_ids[block["index"]], asked)
        for block in blocks
        if block["kind"] == "tool_call"
    ]


async def new_call(block: Block, step: int, vendor_id: str, asked: Asked) -> log.NewCall:
    name = block["name"][:NAME_LENGTH]
    tool, key = asked.tools.get(name), uuid.uuid4()
    waits = False
    if tool is not None:
        context = replace(asked.context, idempotency_key=str(key))
        waits = tool.by_client or await needs_approval(tool, context, block["text"])
    return log.NewCall(
        uuid=uuid.uuid4(),
        step=step,
        block=block["index"],
        call_id=block["call_id"],
        vendor_id=vendor_id or block["call_id"],
        name=name,
        arguments=block["text"],
        key=key,
        repeat=tool.repeat if tool else "safe",
        client=tool is not None and tool.by_client,
        status="waiting" if waits else "approved",
    )
