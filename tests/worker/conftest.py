"""Fixtures: an agent, and a model that follows a test's script."""

from __future__ import annotations

import pytest

from streams.worker import process
from tests.factories import ConversationFactory

from . import agents
from .agent_runs import Script


@pytest.fixture
def offered(settings):
    here = "tests.worker.agents"
    agents.forget()
    offered = {"a": f"{here}.agent", "brief": f"{here}.brief"}
    settings.STREAMS = {**settings.STREAMS, "agents": offered}


@pytest.fixture
def working_on(anna, offered):
    """A conversation with an agent."""
    return ConversationFactory(owner=anna, model="agent:a")


@pytest.fixture
def script(monkeypatch, other_half):
    provider = Script()
    monkeypatch.setattr(process, "resolve", lambda name: (provider, "m"))
    return provider
