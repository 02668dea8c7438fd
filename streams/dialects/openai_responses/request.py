"""What `POST /v1/responses` asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from streams import quotas
from streams.dialects import openai_ids as ids
from streams.dialects import posted_tools
from streams.dialects.openai_history import History, Result, items_in
from streams.dialects.openai_input import (
    Conversed,
    Said,
    check_number,
    conversed,
    metadata_in,
    typed,
)
from streams.exceptions import Invalid
from streams.log import dumps

# What a client finds again in the response; `temperature` and the like are for it alone.
ECHOED = {
    "background": bool,
    "instructions": str,
    "max_output_tokens": int,
    "parallel_tool_calls": bool,
    "prompt_cache_key": str,
    "reasoning": dict,
    "safety_identifier": str,
    "store": bool,
    "truncation": str,
    "user": str,
}
NUMBERS = {"temperature": 2, "top_p": 1}
NO_MESSAGES = (
    "Messages can't come with results of calls behind previous_response_id or in a conversation: "
    "send them once this answer has ended."
)
LONGEST_ECHO = 20_000  # characters, without the instructions


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a response; `echo` is what comes back in it."""

    said: Conversed
    echo: Mapping[str, Any]
    results: Sequence[Result] = ()  # of calls since the prompt
    tools: Sequence[posted_tools.Kept] | None = None  # None where the request says nothing of it
    model: str = ""
    previous: tuple[UUID, int] | None = None
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
        tools = {} if self.tools is None else {"tools": list(self.tools)}
        kept = own | tokens | hidden | tools | self.said.kept
        return kept | {"before": len(self.said.before), "echo": self.echo}


def asked(given: Mapping[str, Any]) -> Asked:
    """Raises Invalid, TooLarge, and NotFound for an id that nothing can have."""
    refuse_what_is_not_here(given)
    instructions = typed(given, "instructions", str, "")
    history = items_in(given.get("input"), "input")
    previous, conversation = places(given)
    said = sent(history, instructions, known_here=bool(previous or conversation))
    quotas.check_text("system", said.system or "")
    tokens = typed(given, "max_output_tokens", int, None)
    if tokens is not None and tokens < 1:
        raise Invalid("max_output_tokens is at least 1.", field="max_output_tokens")
    return Asked(
        said,
        echo(given) | echoed_tools(given),
        results=history.results(),
        tools=tools_in(given),
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
    if given.get("tool_choice") not in (None, "auto", "none"):
        raise Invalid("tool_choice is auto or none here.", field="tool_choice")
    if given.get("prompt"):
        raise Invalid("There are no prompt templates here.", field="prompt")
    shape = typed(typed(given, "text", dict, {}), "format", dict, {})
    if shape.get("type", "text") != "text":
        raise Invalid("Answers are text here: no other format.", field="text.format")


def sent(history: History, instructions: str, known_here: bool) -> Conversed:
    """Returns what was sent; with results that can only be about calls here it is instructions
    alone. Raises Invalid for messages with results where the client says what is `known_here`."""
    if not history.results():
        return conversed(history.said, "input", instructions)
    if known_here and any(it.text or it.files for it in history.talk):
        raise Invalid(NO_MESSAGES, field="input")
    asks = any(each.role == "user" for each in history.said)
    if known_here or history.loose or not asks:
        return conversed([*history.rules, Said("user", "")], "input", instructions)
    return conversed(history.said, "input", instructions)


def tools_in(given: Mapping[str, Any]) -> list[posted_tools.Kept] | None:
    """Returns what the model is offered, None where nothing is said of it. Raises Invalid for what
    is no function, and TooLarge."""
    tools = typed(given, "tools", list, [])
    posted_tools.check_many(tools)
    if any(not isinstance(it, Mapping) or it.get("type") != "function" for it in tools):
        raise Invalid("A tool is a function of the client's: no other can be sent.", field="tools")
    if any(not isinstance(it.get("strict"), bool | None) for it in tools):
        raise Invalid("strict is true or false.", field="tools")
    taken = posted_tools.tools_in(tools)
    if given.get("tool_choice") == "none":
        return []
    return None if given.get("tools") is None else taken


def echoed_tools(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the tools as a response names them."""
    if not given.get("tools"):
        return {}
    named = ("type", "name", "description", "parameters", "strict")
    tools = [{name: each.get(name) for name in named} for each in given["tools"]]
    return {"tools": tools, "tool_choice": given.get("tool_choice") or "auto"}


def places(given: Mapping[str, Any]) -> tuple[tuple[UUID, int] | None, UUID | None]:
    """Returns the run of the previous response with the event since which it is that, and the
    conversation."""
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
        ids.run_of(previous) if previous else None,
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
