"""Agents are named in the settings, offered as models, found and refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from streams.agents import registry as agents
from streams.providers import registry
from streams.providers.base import UnknownModel
from tests.agents import example_agents


@pytest.fixture
def configure(settings: Any) -> Any:
    def configure(debug: bool = True, **named: str) -> None:
        settings.DEBUG = debug
        paths = {name: f"tests.agents.example_agents.{path}" for name, path in named.items()}
        settings.STREAMS = {"agents": paths, "scripts": True}

    return configure


def test_an_agent_is_offered_behind_the_models_and_found_by_its_name(configure: Any) -> None:
    configure(sums="calculator")
    assert registry.offered() == ["scripted:demo", "agent:sums"]
    assert agents.find("agent:sums") is example_agents.calculator
    assert registry.check_name("agent:sums") == ("agent", "sums")
    provider, model = registry.resolve("agent:sums")
    assert (provider.name, model) == ("scripted", "demo")
    assert registry.recites("agent:sums")


def test_an_agent_whose_model_is_not_set_up_is_not_offered_and_refused(configure: Any) -> None:
    configure(sums="calculator", keyed="keyed", gone="nowhere")
    assert registry.offered() == ["scripted:demo", "agent:sums"]
    for name in ("agent:keyed", "agent:nobody", "agent:", "agent"):
        with pytest.raises(UnknownModel):
            registry.check_name(name)
    with pytest.raises(SystemCheckError) as caught:
        call_command("check")
    assert "STREAMS agents keyed" in str(caught.value)
    assert "STREAMS agents gone" in str(caught.value)


def test_an_agent_that_recites_is_offered_where_scripts_are(configure: Any) -> None:
    configure(debug=False, sums="calculator")
    assert "agent:sums" not in registry.offered()


def test_without_agents_there_is_no_such_provider(settings: Any) -> None:
    settings.STREAMS = {}
    with pytest.raises(UnknownModel):
        registry.check_name("agent:sums")
    with pytest.raises(UnknownModel):
        agents.find("agent:sums")


def test_what_is_named_and_is_no_agent_is_said(configure: Any) -> None:
    configure(wrong="no_agent")
    with pytest.raises(ImproperlyConfigured, match="no_agent"):
        agents.find("agent:wrong")
