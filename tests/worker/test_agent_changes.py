"""What a deploy changes while a run waits for people: its tools, their arguments, the agent."""

from __future__ import annotations

import pytest

from streams.models import Conversation, ToolCall
from streams.worker.agent_runs.tool_calls import NO_TOOL

from . import agents
from .agent_runs import decide, held_up, ledger, same_as_page
from .in_process_worker import assert_whole, status, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]


@pytest.mark.parametrize(
    ("now", "told"),
    [("without", NO_TOOL), ("changed", "amount"), ("nowhere", ""), ("act", ""), (None, "")],
)
async def test_what_was_approved_meets_what_there_is_by_then(
    script, working_on, laptop, settings, now, told
):
    """A tool that is gone, or takes other arguments, is an error for the model; an agent that is
    gone, or is none, is the end of the run. Nothing is done that was not asked for.
    """
    async with working():
        run = await held_up(script, working_on, laptop, ("pay", "rent"), ("pay", "food"))
        await status(run, "waiting")
    offered = {} if now is None else {"a": f"tests.worker.agents.{now}"}
    settings.STREAMS = {**settings.STREAMS, "agents": offered}
    async with working():
        await decide(run, device=laptop)
        await decide(run, "denied", device=laptop)
        ended = await status(run, "completed", "failed")
    calls = [call async for call in ToolCall.objects.filter(run=run).order_by("block")]
    assert not agents.done
    if told:
        assert ended.status == "completed", ended.error_code
        assert await ledger(run) == [("pay", "error"), ("pay", "denied")]
        assert told in calls[0].result
        assert [p.is_error for p in script.prompts[1].turns[-1].parts] == [True, True]
    else:
        assert ended.error_code == ("bad_request" if now is None else "internal")
        assert await ledger(run) == [("pay", "cancelled"), ("pay", "cancelled")]
        assert len(script.prompts) == 1
    assert (await Conversation.objects.aget(pk=working_on.pk)).undecided == 0
    await assert_whole(run)
    await same_as_page(working_on)
