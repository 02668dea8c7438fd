"""Finds the agents that the settings name."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ..conf import conf
from ..providers.base import UnknownModel
from .agent import Agent

PREFIX = "agent:"


def is_agent(model: str) -> bool:
    """Tells whether a model's name is that of an agent."""
    return model.startswith(PREFIX)


def find(model: str) -> Agent:
    """Returns the agent of a name such as `agent:support`.

    Raises UnknownModel if the settings name no such agent, ImproperlyConfigured if they name
    something else, and whatever importing it raises.
    """
    name = model.removeprefix(PREFIX)
    path = conf().agents.get(name)
    if path is None:
        raise UnknownModel(f"There is no agent {name!r} here.")
    found = import_string(path)
    if not isinstance(found, Agent):
        raise ImproperlyConfigured(f"STREAMS agents {name} is {path!r}, which is no Agent.")
    return found
