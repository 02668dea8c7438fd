"""A run of an agent: calls of its model and of tools in turns, until the model asks no more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial

from ... import log
from ...agents import limits
from ...providers.base import Code, Finished, Prompt, ProviderError
from .. import continued_run
from ..continued_run import HeldCall, Repeated, Standing
from ..held_run import HeldRun
from ..model_call import ModelCall
from ..upstream_answer import UpstreamAnswer
from ..usage import Usage, estimated, summed
from . import agent_context, step_events, tool_calls
from .agent_work import Asked
from .new_calls import new_calls
from .step_start import begin_step
from .tool_calls import ToolCalls


class Pause(Enum):
    """Why a loop stops without an end: it waits for people, or its worker leaves."""

    WAIT = "wait"
    HAND_BACK = "hand back"


class AgentLoop:
    """Runs one claimed run of an agent, from where its steps and calls say that it stands.

    `run` returns how the last step ended, or why it pauses. `last` are events that have to be
    written with the run's end: they, and it, are of one moment.
    """

    def __init__(self, held: HeldRun, asked: Asked) -> None:
        self.held = held
        self.claimed = held.claimed
        self.answer = held.answer
        self.asked = asked
        self.upstream = UpstreamAnswer(held.claimed, held.lease, asked.persist)
        self.last: list[log.NewEvent] = []
        self.standing = Standing()
        self.calling: ToolCalls | None = None
        self.leaving = False
        self.usage: Usage = {}
        self.earlier: Mapping[int, Standing] = {}
        self._loaded = False
        self._began = time.monotonic()
        self._asking: tuple[Prompt, int] | None = None  # under way, and its first block

    async def run(self) -> Finished | Pause:
        await self.load()
        while True:
            if not await self._calls_ended():
                return Pause.WAIT
            if self.leaving:
                return Pause.HAND_BACK
            if end := self._ended():
                return end
            if self.standing.repeated and not self.standing.steps:
                await self._repeat(self.standing.repeated)
            elif end := await self._step(len(self.standing.steps) + 1):
                return end

    async def load(self) -> None:
        """Takes over what earlier attempts have written; once."""
        if self._loaded:
            return
        runs = agent_context.steps_of(self.asked.history)
        self.earlier = await self.asked.persist(partial(continued_run.read_each, runs=runs))
        await self._read()
        self.answer.resume(self.standing.blocks[: self.standing.from_block])
        self.usage = self.standing.usage
        self._loaded = True

    async def _read(self) -> None:
        self.standing = await self.asked.persist(
            partial(continued_run.read, run_id=self.claimed.run_id)
        )

    async def _calls_ended(self) -> bool:
        """Runs the calls of the last step; tells whether all of them have ended."""
        calls = self.standing.step_calls
        if all(call.ended for call in calls):
            return True
        self.calling = ToolCalls(
            self.held,
            calls,
            tools=self.asked.tools,
            context=self.asked.context,
            at_once=self.asked.agent.max_calls_at_once,
            reread=self._reread,
        )
        ended = await self.calling.work()
        await self.held.settle()
        return ended

    async def _reread(self) -> list[HeldCall]:
        reading = partial(continued_run.read_calls, run_id=self.claimed.run_id)
        found: list[HeldCall] = await self.asked.persist(reading)
        return found

    def hear(self) -> None:
        """Looks for decisions now."""
        if self.calling and any(call.status == "waiting" for call in self.calling.calls):
            self.calling.decided.set()

    def _ended(self) -> Finished | None:
        """Returns how the run ends without another model call: it has ended, or reached a limit."""
        steps, agent = self.standing.steps, self.asked.agent
        if steps and not self.standing.step_calls:  # its worker was lost between this and the end
            return Finished(steps[-1].stop_reason)
        worked = self.standing.worked + time.monotonic() - self._began
        parts = [step.usage for step in steps]
        why = limits.reached(agent, steps=parts, seconds=worked, usage=self.usage)
        return Finished(why) if why else None

    async def _step(self, number: int) -> Finished | None:
        """Asks the model once; returns how that ended if it asks for no calls. Raises ProviderError
        if the person's budget is used up by what the steps before took: the first was paid for when
        it was asked for.
        """
        goes_on = await self._asked_before()
        if number > 1 and not goes_on and not await self.asked.may_go_on():
            raise ProviderError(Code.BUDGET_SPENT)
        await self._begin(number, absorbs=not goes_on)
        prompt = await self._prompt()
        call = ModelCall(self.held, distinct=True, upstream=self.upstream)
        self._asking = prompt, call.first
        end = await call.run(self.asked.provider, prompt)
        blocks = self.answer.blocks()[call.first :] if self._wants_calls(end) else []
        made = await new_calls(blocks, number, call.vendor_ids, self.asked)
        self._asking = None
        events = self._ended_step(
            log.EndedStep(
                number=number,
                stop_reason="tool_call" if made else end.stop_reason,
                usage=end.usage or estimated(prompt, self.answer.length_from(call.first)),
                provider=self.asked.provider.name,
                model=self.asked.model,
                replay=[*end.replay],
                from_block=call.first,
            ),
            made,
        )
        if not made:
            self.last = events
            return end
        await self._keep(events)
        return None

    async def _asked_before(self) -> bool:
        """Tells whether what another worker asked for goes on at its service: it costs anyway."""
        if self.claimed.attempt == 1 or not await self.upstream.is_kept():
            return False
        return bool((await self.upstream.continued(await self._prompt())).upstream)

    def _wants_calls(self, end: Finished) -> bool:
        """Tells whether calls are whole: one that was cut off is none. There are services that end
        with calls as with any answer.
        """
        return end.stop_reason in ("tool_call", "end_turn", "stop") and not self.answer.open

    async def _begin(self, number: int, absorbs: bool) -> None:
        """Begins a step. The first needs no transaction of its own: nothing has to be found out.
        What goes on at its service has another question than with prompts that joined meanwhile.
        """
        if number == 1 and self.claimed.attempt == 1:
            event = self.claimed.noted("step.started", log.Ledger(began=1), step=1)
            await self.held.write(event)
            return
        await self.held.settle()
        step = partial(begin_step, number=number, at_block=len(self.answer), absorbs=absorbs)
        begin = partial(step, run=self.claimed, lease=self.held.lease)
        beginning = asyncio.ensure_future(self.asked.persist(begin))
        try:
            self.held.lease.acked = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            # Or it is not known what has been written, and the end would be taken for a part of it.
            if beginning in (await asyncio.wait({beginning}, timeout=2.0))[0]:
                self.held.lease.acked = beginning.result()
            beginning.cancel()
            raise
        await self._read()

    async def _prompt(self) -> Prompt:
        told = agent_context.turns(self.asked.history, self.earlier, self.standing)
        specs = [tool.spec for tool in self.asked.tools.values()]
        system = "\n\n".join(filter(None, (self.asked.agent.instructions, self.asked.system)))
        prompt = Prompt(self.asked.model, told, system, self.asked.answer_tokens, specs)
        return await self.asked.shape(prompt)

    def _ended_step(self, step: log.EndedStep, made: Sequence[log.NewCall]) -> list[log.NewEvent]:
        self.usage = summed([self.usage, step.usage])
        answer = log.AnswerSoFar(self.claimed.answer_id, self.answer.blocks(), self.usage)
        return step_events.ended(self.claimed, step, answer, made)

    async def _repeat(self, what: Repeated) -> None:
        """Begins with a call that a person lets run again, as a step that asks no model."""
        tool = self.asked.tools.get(what.name)
        call = step_events.again(what, len(self.answer), tool)
        began = step_events.asking_again(self.claimed, self.answer, call)
        step = log.EndedStep(1, "tool_call", {}, "", "", [], call.block)
        ended = self._ended_step(step, [call])
        await self._keep([*began, *ended, step_events.approved(self.claimed, call)])

    async def _keep(self, events: Sequence[log.NewEvent]) -> None:
        """Writes the end of a step, and goes on once that is committed."""
        await self.held.write(*events)
        await self.held.settle()
        await self._read()

    def used(self) -> Usage:
        """Returns what the run has used by now; of a model call under way, by estimate."""
        if self._asking is None:
            return self.usage
        prompt, first = self._asking
        return summed([self.usage, estimated(prompt, self.answer.length_from(first))])

    def used_for_good(self) -> Usage:
        """Returns what the run has used by now, without an answer that goes on at its service:
        the worker that continues it is told the usage of the whole.
        """
        return self.usage if self.upstream.goes_on else self.used()

    def has_said(self) -> bool:
        """Tells whether the model call under way has begun to answer."""
        return self._asking is not None and len(self.answer) > self._asking[1]

    async def closing(self) -> list[log.NewEvent]:
        """Returns the ends of calls that end with the run, once all that was written is settled."""
        await self.held.settle()
        if self.last:
            return self.last
        held = {call.uuid: call for call in self.calling.calls} if self.calling else {}
        left = [held.get(call.uuid, call) for call in await self._reread() if not call.ended]
        return [tool_calls.cancelled(self.claimed, call) for call in left]
