"""OpenAI's Agents SDK, unmodified: an agent with a tool, over several turns, in both protocols."""

from __future__ import annotations

import asyncio

import openai
import pytest
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)

from streams.models import Run

from .openai_client import MODEL

pytestmark = pytest.mark.django_db(transaction=True)

set_tracing_disabled(disabled=True)  # it would tell OpenAI of each run

ASKED = []


@function_tool
def weather(city: str) -> str:
    """Tells the weather."""
    ASKED.append(city)
    return f"Rain in {city}"


def answered(told, words):
    told.call("weather", '{"city": "Bern"}', "call_1").answer(words)


async def talk(url, token, kind):
    """Asks twice, the second time with all that was said, and streamed; what came of each."""
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client:
        model = kind(model=MODEL, openai_client=client)
        agent = Agent("A", instructions="Be brief", model=model, tools=[weather])
        first = await Runner.run(agent, "Weather?")
        asks = [*first.to_input_list(), {"role": "user", "content": "And now?"}]
        second = Runner.run_streamed(agent, asks)
        async for _ in second.stream_events():
            pass
        return first.final_output, second.final_output


@pytest.mark.parametrize("kind", [OpenAIResponsesModel, OpenAIChatCompletionsModel])
def test_an_agent_uses_its_tool_in_each_turn(kind, web, token, told):
    ASKED.clear()
    answered(told, "It rains")
    answered(told, "Still")
    assert asyncio.run(talk(web.url, token, kind)) == ("It rains", "Still")
    assert ASKED == ["Bern", "Bern"]
    assert (Run.objects.count(), len(told.requests)) == (2, 4)
    assert [message["role"] for message in told.requests[-1]["messages"]] == [
        "system", "user", "assistant", "tool", "assistant", "user", "assistant", "tool",
    ]  # fmt: skip
