"""Who answers, as people read it."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from streams.providers.model_names import words_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("local:smollm2", "SmolLM2 · on this computer"),
        ("anthropic:claude-sonnet-5-5", "Claude Sonnet 5.5 · Anthropic"),
        ("openai:gpt-6.1-terra", "GPT 6.1 Terra · OpenAI"),
        ("openai-chat:qwen3:8b", "Qwen3 8b · own server"),
        ("elsewhere:x", "X · elsewhere"),
        ("local:", "local:"),
        ("", ""),
    ],
)
def test_a_model_is_called_by_its_name_and_its_place(name, words):
    assert words_of(name) == words


def test_a_site_says_what_its_models_are_called(settings):
    told = {"names": {"qwen3:8b": "Qwen"}, "place": "in the cellar"}
    settings.STREAMS = settings.STREAMS | {"models": {"openai-chat": told}}
    assert words_of("openai-chat:qwen3:8b") == "Qwen · in the cellar"


def test_places_are_said_in_the_readers_language():
    with override("de"):
        assert words_of("local:smollm2") == "SmolLM2 · auf diesem Computer"
