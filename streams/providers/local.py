"""A model on this machine: a llama.cpp server, started by `streams.providers.llama` or by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from streams.providers.base import Prompt, ProviderEvent
from streams.providers.base_url import host_of
from streams.providers.openai_chat import OpenAIChat

# So small a model may repeat itself without end; other people wait for its slot.
LONGEST = 1024


class Local(OpenAIChat):
    """The `local:` provider; `url` is the server's own, such as http://127.0.0.1:8080."""

    name = "local"
    # llama.cpp promises to keep the connection of a streamed answer, and closes it: the next
    # request, such as for a title, would find it gone.
    headers = {"Connection": "close"}

    def __init__(self, url: str, models: Sequence[str] = ("smollm2",)) -> None:
        super().__init__("", host_of(url) + "/v1", models)

    def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        return super().stream(replace(prompt, max_tokens=min(prompt.max_tokens, LONGEST)))
