"""What `POST /v1/responses` asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from streams import quotas
from streams.dialects.openai_input import (
    Conversed,
    check_number,
    conversed,
    messages_in,
    metadata_in,
    typed,
)
from streams.exceptions import Invalid
from streams.log import dumps

from . import ids

# What a client finds again in the response; `temperature` and the like are for it alone.
ECHOED = {
    "background": bool,
    "instructions": str,
    "max_output_tokens": int,
    "parallel_tool_calls": bool,
    "reasoning": dict,
    "store": bool,
    "truncation": str,
    "user": str,
}
NUMBERS = {"temperature": 2, "top_p": 1}
LONGEST_ECHO = 20_000  # characters, without the instructions


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a response; `echo` is what comes back in it."""

    said: Conversed
    echo: Mapping[str, Any]
    model: str = ""
    previous: UUID | None = None
    conversation: UUID | None = None
    stream: bool = False
    background: bool = False
    store: bool = True
    answer_tokens: int | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """What the run keeps of it. Instructions do not travel with a previous response, and where
        none are given a conversation's own are good."""
        inherits = self.conversation is not None and self.said.system is None
        own = {} if inherits else {"system": self.said.system or ""}
        tokens = {"answer_tokens": self.answer_tokens} if self.answer_tokens else {}
        hidden = {} if self.store else {"hidden": True}
        return own | tokens | hidden | {"before": len(self.said.before), "echo": self.echo}


def asked(given: Mapping[str, Any]) -> Asked:
    """Raises Invalid, TooLarge, and NotFound for an id that nothing can have."""
    refuse_what_is_not_here(given)
    instructions = typed(given, "instructions", str, "")
    said = conversed(messages_in(given.get("input"), "input"), "input", instructions)
    quotas.check_text("system", said.system or "")
    tokens = typed(given, "max_output_tokens", int, None)
    if tokens is not None and tokens < 1:
        raise Invalid("max_output_tokens is at least 1.", field="max_output_tokens")
    previous, conversation = places(given)
    return Asked(
        said,
        echo(given),
        model=typed(given, "model", str, ""),
        previous=previous,
        conversation=conversation,
        stream=typed(given, "stream", bool, False),
        background=typed(given, "background", bool, False),
        store=typed(given, "store", bool, True),
        answer_tokens=tokens,
    )


def refuse_what_is_not_here(given: Mapping[str, Any]) -> None:
    """Raises Invalid for what would change the answer and cannot be done."""
    if given.get("tools"):
        raise Invalid("Tools are an agent's own here: none can be sent.", field="tools")
    if given.get("prompt"):
        raise Invalid("There are no prompt templates here.", field="prompt")
    shape = typed(typed(given, "text", dict, {}), "format", dict, {})
    if shape.get("type", "text") != "text":
        raise Invalid("Answers are text here: no other format.", field="text.format")


def places(given: Mapping[str, Any]) -> tuple[UUID | None, UUID | None]:
    """Returns the run of the previous response, and the conversation."""
    previous = typed(given, "previous_response_id", str, None)
    here = given.get("conversation")
    if isinstance(here, dict):
        here = here.get("id")
    if here is not None and not isinstance(here, str):
        raise Invalid("conversation is an id.", field="conversation")
    if previous and here:
        told = "Send previous_response_id or conversation, not both."
        raise Invalid(told, field="previous_response_id")
    return (
        ids.parsed(ids.RESPONSE, previous) if previous else None,
        ids.parsed(ids.CONVERSATION, here) if here else None,
    )


def echo(given: Mapping[str, Any]) -> dict[str, Any]:
    for name, most in NUMBERS.items():
        check_number(given, name, most)
    found = {name: typed(given, name, kind, None) for name, kind in ECHOED.items()}
    found |= {name: given.get(name) for name in NUMBERS}
    found |= {"metadata": metadata_in(given.get("metadata"))}
    found |= {"previous_response_id": given.get("previous_response_id")}
    if here := given.get("conversation"):
        found["conversation"] = {"id": here["id"] if isinstance(here, dict) else here}
    kept = {name: value for name, value in found.items() if value is not None}
    if len(dumps({**kept, "instructions": ""})) > LONGEST_ECHO:
        raise Invalid("The request's settings are too long.")
    return kept
