"""Agents of pydantic-ai, as a site has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pydantic_ai import Agent, ModelHTTPError
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.models.test import TestModel

asked: list[Any] = []


async def thinks(messages: list[Any], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    """Calls a tool twice side by side, then says what it returned."""
    asked.append((messages, info))
    returned = [part for part in messages[-1].parts if part.part_kind == "tool-return"]
    if not returned:
        yield "Looking. "
        for number in (0, 1):
            call = DeltaToolCall(name="double", json_args='{"number"', tool_call_id=f"c{number}")
            yield {number: call}
            yield {number: DeltaToolCall(json_args=f": {number + 2}}}")}
        return
    yield "It is "
    yield " and ".join(str(part.content) for part in returned)


async def refuses(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    raise ModelHTTPError(429, "m", {"error": "slow down"})
    yield ""


support = Agent(FunctionModel(stream_function=thinks))


@support.tool_plain
def double(number: int) -> int:
    return 2 * number


limited = Agent(FunctionModel(stream_function=refuses))
structured = Agent(TestModel(custom_output_args={"paid": True}), output_type=dict[str, bool])
