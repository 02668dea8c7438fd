"""Builds the prompt for one answer, which the site's own function may change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from inspect import isawaitable
from typing import Any

from django.db import connections
from django.utils.module_loading import import_string

from ..agents.deadline import contained
from ..api.run import Run
from ..conf import Settings
from ..models import Run as RunModel
from ..providers.base import Prompt, Turn
from . import conversation_history
from .agent_runs import agent_context
from .claimed_run import Claimed
from .continued_run import Standing


def prompt_of(run: Claimed, model: str, history: str, conf: Settings) -> Prompt:
    """Builds the app's own prompt."""
    return Prompt(model, turns(history), *beside(run, history, conf))


def turns(history: str) -> Sequence[Turn]:
    if agent_context.has_calls_of_elsewhere(history):
        return agent_context.turns(history, {}, Standing())
    return conversation_history.turns(history)


def beside(run: Claimed, history: str, conf: Settings) -> tuple[str, int]:
    """Returns the instructions of one answer, and how many tokens it may have."""
    asked = conversation_history.asked(history)
    system = asked.get("system")
    most = asked.get("answer_tokens") or conf.answer_tokens
    bounded = min(most, conf.answer_tokens) if conf.answer_tokens else most
    return run.system if system is None else system, bounded


async def shaped(prompt: Prompt, run: Claimed, conf: Settings) -> Prompt:
    """Returns the prompt as the function at `STREAMS["context"]` makes it; unchanged without one.

    Raises TypeError if the function returns no Prompt, and what it raises, as `contained` does.
    """
    return checked(await contained(made(prompt, run, conf))) if conf.context else prompt


async def made(prompt: Prompt, run: Claimed, conf: Settings) -> Any:
    """Calls the function in a thread, and awaits what it returns."""

    def apart() -> Any:
        try:
            return told(conf.context, prompt, run)
        finally:
            connections.close_all()  # nobody else does, in a thread

    returned = await asyncio.to_thread(apart)
    return await returned if isawaitable(returned) else returned


def told(context: str, prompt: Prompt, run: Claimed) -> Any:
    """Calls the function at that dotted path; returns a prompt, or an awaitable of one."""
    known = RunModel.objects.select_related("conversation", "prompt", "answer")
    return import_string(context)(prompt, Run(known.get(pk=run.run_id)))


def checked(made: object) -> Prompt:
    if not isinstance(made, Prompt):
        raise TypeError(f"STREAMS context returned a {type(made).__name__}, and no Prompt.")
    return made
