"""What `POST /v1/chat/completions` asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams import quotas
from streams.dialects.openai_input import Conversed, check_number, conversed, messages_in, typed
from streams.exceptions import Invalid


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a completion. `usage` asks a stream for its tokens in the end."""

    said: Conversed
    model: str = ""
    stream: bool = False
    usage: bool = False
    answer_tokens: int | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """Returns what the run keeps of the request."""
        tokens = {"answer_tokens": self.answer_tokens} if self.answer_tokens else {}
        return {"system": self.said.system or "", **tokens}


def asked(given: Mapping[str, Any]) -> Asked:
    """Raises Invalid and TooLarge."""
    refuse_what_is_not_here(given)
    messages = given.get("messages")
    if not isinstance(messages, list):
        raise Invalid("messages is a list of messages.", field="messages")
    said = conversed(messages_in(messages, "messages"), "messages")
    quotas.check_text("system", said.system or "")
    check_number(given, "temperature", 2)
    check_number(given, "top_p", 1)
    options = typed(given, "stream_options", dict, {})
    return Asked(
        said,
        model=typed(given, "model", str, ""),
        stream=typed(given, "stream", bool, False),
        usage=bool(options.get("include_usage")),
        answer_tokens=tokens_in(given),
    )


def refuse_what_is_not_here(given: Mapping[str, Any]) -> None:
    """Raises Invalid for what would change the answer and cannot be done."""
    for name in ("tools", "functions", "audio", "logprobs"):
        if given.get(name):
            raise Invalid(f"{name} can't be sent here.", field=name)
    if typed(given, "n", int, 1) != 1:
        raise Invalid("n is 1 here.", field="n")
    shape = typed(given, "response_format", dict, {})
    if shape.get("type", "text") != "text":
        raise Invalid("Answers are text here: no other format.", field="response_format")


def tokens_in(given: Mapping[str, Any]) -> int | None:
    """Returns the newer of the two names' value, which counts."""
    for name in ("max_completion_tokens", "max_tokens"):
        tokens: int | None = typed(given, name, int, None)
        if tokens is not None and tokens < 1:
            raise Invalid(f"{name} is at least 1.", field=name)
        if tokens is not None:
            return tokens
    return None
