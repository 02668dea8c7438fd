"""The model of a site's own tests, which says what it is told; see `streams.testing`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from . import log
from .providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    Kind,
    Prompt,
    ProviderError,
    ProviderEvent,
)


class FakeModel:
    """A provider that says what it was told to, and "OK" if it was told nothing.

    `answers`, `fails` and `tells` each prepare one answer to come; `prompts` are the prompts it was
    asked, newest last.
    """

    name = "fake"
    skipped = 0

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self._scripts: deque[list[ProviderEvent | ProviderError]] = deque()

    def answers(self, text: str, *, thinks: str = "", stop_reason: str = "end_turn") -> FakeModel:
        """Prepares an answer with this text, streamed word by word, after what it `thinks`."""
        events: list[ProviderEvent] = []
        if thinks:
            events += block(0, Kind.REASONING, thinks)
        events += block(len(events) and 1, Kind.TEXT, text)
        return self.tells(*events, Finished(stop_reason, {"output_tokens": len(text.split())}))

    def calls(self, *wanted: tuple[str, Mapping[str, Any]], says: str = "") -> FakeModel:
        """Prepares a step of an agent that calls tools: each a tool's name and its arguments, after
        what it `says`. What is prepared next answers to their results.
        """
        events: list[ProviderEvent] = [*(block(0, Kind.TEXT, says) if says else ())]
        for index, (name, arguments) in enumerate(wanted, int(bool(says))):
            call_id = f"call-{len(self.prompts)}-{len(self._scripts)}-{index}"
            events += [
                BlockStarted(index, Kind.TOOL_CALL, name=name, call_id=call_id),
                BlockDelta(index, log.dumps(arguments)),
                BlockEnded(index),
            ]
        return self.tells(*events, Finished("tool_call", {"output_tokens": len(wanted)}))

    def fails(self, code: str, *, after: str = "") -> FakeModel:
        """Prepares a failure with one of the codes in docs/reference/events.md. A code that is
        worth another try fails only after some text.

        Raises ValueError for an unknown code.
        """
        said = block(0, Kind.TEXT, after)[:-1] if after else []
        self._scripts.append([*said, ProviderError(Code(code))])
        return self

    def tells(self, *events: ProviderEvent) -> FakeModel:
        """Prepares an answer event by event, as in `streams.providers.base`."""
        self._scripts.append([*events])
        return self

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        self.prompts.append(prompt)
        if not self._scripts:
            self.answers("OK")
        for event in self._scripts.popleft():
            if isinstance(event, ProviderError):
                raise event
            yield event

    def models(self) -> Sequence[str]:
        return ()

    async def aclose(self) -> None:
        """Does nothing, since it holds nothing."""


def block(index: int, kind: Kind, text: str) -> list[ProviderEvent]:
    """Returns the events of a block whose text arrives word by word."""
    words = re.findall(r"\s*\S+|\s+$", text)
    return [
        BlockStarted(index, kind),
        *(BlockDelta(index, word) for word in words),
        BlockEnded(index),
    ]
