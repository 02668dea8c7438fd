"""What an agent's run works with: its agent, model and tools, and whose run it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from ... import budgets
from ...agents import registry
from ...agents.agent import Agent
from ...agents.deadline import contained
from ...agents.posted_tool import posted_tools
from ...agents.tool import Tool
from ...agents.tool_context import Context
from ...api.chat import Chat
from ...api.run import Run
from ...conf import Settings
from ...exceptions import BudgetSpent
from ...models import Run as RunModel
from ...providers.base import Prompt, Provider
from ...user_model import key_text
from .. import conversation_history, prompt_building
from ..claimed_run import Claimed
from ..orm_lookup import looked_up

Persist = Callable[[Callable[[AsyncConnection], Awaitable[Any]]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an agent's loop works with. `system` are instructions beside the agent's own. `persist`
    repeats what it is given until PostgreSQL has taken it; `shape` is the site's own say about each
    prompt, and `may_go_on` the person's budget.
    """

    agent: Agent
    system: str
    answer_tokens: int
    provider: Provider
    model: str
    history: str
    tools: Mapping[str, Tool]
    context: Context
    persist: Persist
    shape: Callable[[Prompt], Awaitable[Prompt]]
    may_go_on: Callable[[], Awaitable[bool]]


async def asked(
    run: Claimed, provider: Provider, model: str, history: str, conf: Settings, persist: Persist
) -> Asked:
    """Finds out what a claimed run works with: that of an agent, or of a model with tools that its
    client runs. A name that both an agent and its client have is the agent's. Raises UnknownModel,
    and what the site's own code raises.
    """
    agent = registry.find(run.model) if registry.is_agent(run.model) else Agent(run.model)
    context = await looked_up(context_of, conf.worker_rescan, run_id=run.run_id)
    owner = context.user.pk
    given = posted_tools(conversation_history.asked(history).get("tools", ()))
    tools = given | dict(await contained(agent.toolset(key_text(owner))))
    shape = partial(prompt_building.shaped, run=run, conf=conf)
    may_go_on = partial(has_budget, owner, conf.worker_rescan)
    beside = prompt_building.beside(run, history, conf)
    return Asked(
        agent, *beside, provider, model, history, tools, context, persist, shape, may_go_on
    )


def context_of(run_id: int) -> Context:
    known = RunModel.objects.select_related("conversation__owner", "prompt__device", "answer")
    run = known.get(pk=run_id)
    here = run.conversation
    return Context(here.owner, Chat(here), Run(run), run.prompt.device)


async def has_budget(owner_id: Any, every: float) -> bool:
    """Tells whether a person's run may ask its model again, by what all of theirs took so far."""
    return not budgets.any_budgets() or await looked_up(is_within, every, owner_id=owner_id)


def is_within(owner_id: Any) -> bool:
    try:
        budgets.check(owner_id, under_way=True)
        budgets.refresh_any()
    except BudgetSpent:
        return False
    return True
