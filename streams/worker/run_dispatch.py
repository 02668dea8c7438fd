"""Runs a claimed run with the model or agent that it names."""

from __future__ import annotations

from functools import partial

from ..agents.registry import is_agent
from ..conf import Settings
from ..providers.base import Prompt, Provider
from . import conversation_history, prompt_building
from .agent_runs import agent_work
from .agent_runs.agent_work import Asked, Persist
from .answer_runner import Runner
from .claimed_run import Claimed


def calls_tools(run: Claimed, history: str) -> bool:
    """Tells whether a run is an agent's, or a model's whose client has brought tools along, be it
    for its earlier steps alone: written over from its beginning, an answer would lose its calls.
    """
    return is_agent(run.model) or bool(
        conversation_history.asked(history).get("tools") or run.steps
    )


async def ask(
    runner: Runner,
    provider: Provider,
    model: str,
    history: str | None,
    conf: Settings,
    persist: Persist,
) -> None:
    """Runs a claimed run to its end; without a `history` it reads that first. Raises what the
    site's own code does.
    """
    run = runner.claimed
    asked = await runner.unless_stopped(
        what_for(run, provider, model, history, conf, persist), persist
    )
    if isinstance(asked, Prompt):
        await runner.run(provider, asked)
    elif asked:
        await runner.run_agent(asked)


async def what_for(
    run: Claimed,
    provider: Provider,
    model: str,
    history: str | None,
    conf: Settings,
    persist: Persist,
) -> Asked | Prompt:
    """Finds out what a run works with: a prompt is all that a model without tools is asked."""
    if history is None:
        history = await persist(partial(conversation_history.history, run=run))
    assert history is not None
    if calls_tools(run, history):
        return await agent_work.asked(run, provider, model, history, conf, persist)
    return await prompt_building.shaped(
        prompt_building.prompt_of(run, model, history, conf), run, conf
    )
