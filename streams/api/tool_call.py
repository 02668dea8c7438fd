"""One call of a tool as a site's own code sees it."""

from __future__ import annotations

from typing import Literal, cast
from uuid import UUID

from asgiref.sync import sync_to_async

from streams import models, quotas

CallStatus = Literal[
    "waiting", "approved", "running", "ok", "error", "denied", "cancelled", "unknown"
]


class ToolCall:
    """A call of a tool that an agent's model asked for, as of when it was read."""

    def __init__(self, call: models.ToolCall) -> None:
        self._call = call

    def __repr__(self) -> str:
        return f"<ToolCall {self.name} {self.status}>"

    @property
    def id(self) -> UUID:
        """Its own."""
        return self._call.uuid

    @property
    def name(self) -> str:
        """The tool's."""
        return self._call.name

    @property
    def arguments(self) -> str:
        """JSON text, as the model wrote it."""
        return self._call.arguments

    @property
    def status(self) -> CallStatus:
        """`waiting` for a decision, `approved`, `running`, or how it ended: `ok`, `error`,
        `denied`, `cancelled` or `unknown`.
        """
        return cast(CallStatus, self._call.status)

    @property
    def result(self) -> str:
        """What the model is told; "" before it has ended."""
        return self._call.result if self._call.ended_at else ""

    def approve(self, note: str = "") -> ToolCall:
        """Lets a waiting call run, and returns it. Approving twice is no error.

        Raises AlreadyDecided where another decision came first, or the call has ended, and Invalid
        for a call that the client runs.
        """
        return self._decide("approved", note=note)

    async def aapprove(self, note: str = "") -> ToolCall:
        """Asynchronous twin of `approve`."""
        return await sync_to_async(self.approve)(note)

    def deny(self, note: str = "") -> ToolCall:
        """Keeps a waiting call from running; the model is told, with the note. Raises as
        `approve`.
        """
        return self._decide("denied", note=note)

    async def adeny(self, note: str = "") -> ToolCall:
        """Asynchronous twin of `deny`."""
        return await sync_to_async(self.deny)(note)

    def answer(self, result: str) -> ToolCall:
        """Says what a call returned that the client ran. Raises as `approve`, Invalid for a call
        that a worker runs, and TooManyRuns where the run would go on beside too many others.
        """
        return self._decide("answered", result=result)

    async def aanswer(self, result: str) -> ToolCall:
        """Asynchronous twin of `answer`."""
        return await sync_to_async(self.answer)(result)

    def _decide(self, decision: str, note: str = "", result: str = "") -> ToolCall:
        quotas.lock_owner_ahead(self._call.run.conversation.owner_id)
        return ToolCall(self._call.decide(decision, None, note=note, result=result))
