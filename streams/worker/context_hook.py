"""Builds the prompt for one answer, which the site's own function may change."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from typing import Any

from django.db import connections
from django.utils.module_loading import import_string

from ..api.run import Run
from ..conf import Settings
from ..models import Run as RunModel
from ..providers.base import Prompt
from . import model_context
from .claimed import Claimed


def prompt_of(run: Claimed, model: str, history: str, conf: Settings) -> Prompt:
    """Builds the app's own prompt."""
    asked = model_context.asked(history)
    system = asked.get("system")
    most = asked.get("answer_tokens") or conf.answer_tokens
    return Prompt(
        model,
        model_context.turns(history),
        run.system if system is None else system,
        min(most, conf.answer_tokens) if conf.answer_tokens else most,
    )


async def shaped(prompt: Prompt, run: Claimed, conf: Settings) -> Prompt:
    """Returns the prompt as the function at `STREAMS["context"]` makes it; unchanged without one.

    Raises what the function raises, and TypeError if it returns no Prompt.
    """
    if not conf.context:
        return prompt

    def apart() -> Any:
        try:
            return told(conf.context, prompt, run)
        finally:
            connections.close_all()  # nobody else does, in a thread

    made = await asyncio.to_thread(apart)
    return checked(await made if isawaitable(made) else made)


def told(context: str, prompt: Prompt, run: Claimed) -> Any:
    """Calls the function at that dotted path; returns a prompt, or an awaitable of one."""
    known = RunModel.objects.select_related("conversation", "prompt", "answer")
    return import_string(context)(prompt, Run(known.get(pk=run.run_id)))


def checked(made: object) -> Prompt:
    if not isinstance(made, Prompt):
        raise TypeError(f"STREAMS context returned a {type(made).__name__}, and no Prompt.")
    return made
