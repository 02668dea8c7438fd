"""Agents of pydantic-ai as models, with their own tools: https://ai.pydantic.dev.

    STREAMS = {
        "models": {
            "crew": {
                "class": "streams.contrib.pydantic_ai.PydanticAI",
                "options": {"agents": {"support": "shop.crew.support"}},
                "menu": ["support"],
            }
        }
    }

offers `crew:support`. pydantic-ai runs the loop of such an agent, in one answer of ours: its calls
are shown, its tools ask nobody, and a worker that dies begins the answer anew. Tools that need a
yes, or must not run twice, belong to a `streams.agents.Agent`. Needs the extra `pydantic-ai`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.module_loading import import_string
from pydantic_ai import (
    Agent,
    AgentRunResultEvent,
    ModelAPIError,
    ModelHTTPError,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, UserPromptPart
from pydantic_core import to_json

from streams.providers.base import (
    Alive,
    Code,
    Finished,
    Kind,
    Prompt,
    ProviderError,
    ProviderEvent,
    UnknownModel,
)
from streams.providers.block_numbering import Blocks
from streams.providers.errors import STATUSES, by_class
from streams.providers.portable_turns import told


class PydanticAI:
    """A provider whose models are agents: `agents` are dotted paths by name."""

    name = "pydantic-ai"

    def __init__(self, agents: Mapping[str, str]) -> None:
        self.skipped = 0
        self._agents = agents

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        *earlier, last = told(replace(prompt, tools=()))
        agent = self.agent(prompt.model)
        run = agent.run_stream_events(
            last.text,
            message_history=[*history(earlier)],
            instructions=prompt.system or None,
            model_settings={"max_tokens": prompt.max_tokens},
        )
        reader = Reader()
        try:
            async with run as events:
                async for event in events:
                    for ours in reader.read(event):
                        yield ours
        except Exception as error:
            raise failure(error) from error
        yield Finished("end_turn", reader.usage)

    def agent(self, name: str) -> Agent[Any, Any]:
        """Returns the agent of this name. Raises ProviderError if there is none."""
        if name not in self._agents:
            raise ProviderError(Code.BAD_REQUEST) from UnknownModel(name)
        try:
            found: Agent[Any, Any] = import_string(self._agents[name])
        except Exception as error:
            raise ProviderError(Code.INTERNAL, why=f"no {self._agents[name]}") from error
        return found

    def models(self) -> Sequence[str]:
        return list(self._agents)

    async def aclose(self) -> None:
        """Does nothing: the agents' models are their site's."""


def history(turns: Sequence[Any]) -> Iterator[ModelMessage]:
    for turn in turns:
        if turn.role == "user":
            yield ModelRequest(parts=[UserPromptPart(turn.text)])
        else:
            yield ModelResponse(parts=[TextPart(turn.text)])


class Reader:
    """Reads the events of one run, of all its requests to the model."""

    def __init__(self) -> None:
        self.usage: dict[str, int] = {}
        self._blocks = Blocks()

    def read(self, event: object) -> list[ProviderEvent]:
        match event:
            case PartStartEvent(index=index, part=part):
                return self._start(index, part)
            case PartDeltaEvent(index=index, delta=delta):
                return self._grow(index, delta)
            case PartEndEvent(index=index, part=part):
                whole = part.args_as_json_str() if isinstance(part, ToolCallPart) else ""
                return self._blocks.end(index, whole)
            case AgentRunResultEvent(result=result):
                return self._finish(result)
        return [Alive()]  # a tool was called, or has returned

    def _start(self, index: int, part: object) -> list[ProviderEvent]:
        """Starts a part, and ends what another request to the model had under its number."""
        ended = self._blocks.end(index)
        match part:
            case TextPart(content=text):
                return [*ended, *self._blocks.grow(index, Kind.TEXT, text)]
            case ThinkingPart(content=text):
                return [*ended, *self._blocks.grow(index, Kind.REASONING, text)]
            case ToolCallPart():
                begun = self._blocks.start(index, Kind.TOOL_CALL, part.tool_name, part.tool_call_id)
                given = part.args if isinstance(part.args, str) else ""
                return [*ended, *begun, *self._blocks.grow(index, Kind.TOOL_CALL, given)]
        return ended

    def _grow(self, index: int, delta: object) -> list[ProviderEvent]:
        match delta:
            case TextPartDelta(content_delta=text):
                return self._blocks.grow(index, Kind.TEXT, text)
            case ThinkingPartDelta(content_delta=str(text)):
                return self._blocks.grow(index, Kind.REASONING, text)
            case ToolCallPartDelta(args_delta=str(text)):
                return self._blocks.grow(index, Kind.TOOL_CALL, text)
        return []

    def _finish(self, result: Any) -> list[ProviderEvent]:
        """Adds an output that is no text as JSON."""
        used = result.usage
        self.usage = {"input_tokens": used.input_tokens, "output_tokens": used.output_tokens}
        if used.cache_read_tokens:
            self.usage["cached_tokens"] = used.cache_read_tokens
        events = self._blocks.end_all()
        if not isinstance(result.output, str) and result.output is not None:
            said = to_json(result.output).decode()
            events += self._blocks.grow("output", Kind.TEXT, said)
        return [*events, *self._blocks.end_all()]


def failure(error: Exception) -> ProviderError:
    """Returns the failure for what pydantic-ai raises; what its tools raise is ours to log."""
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, ModelHTTPError):
        status = error.status_code
        return ProviderError(STATUSES.get(status) or by_class(status), status=status)
    if isinstance(error, ModelAPIError):
        return ProviderError(Code.UNAVAILABLE)
    if isinstance(error, UnexpectedModelBehavior):
        return ProviderError(Code.PROTOCOL, why=type(error).__name__)
    return ProviderError(Code.INTERNAL, why=type(error).__name__)
