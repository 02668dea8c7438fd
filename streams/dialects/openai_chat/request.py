"""What `POST /v1/chat/completions` asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams import quotas
from streams.dialects import posted_tools
from streams.dialects.openai_history import Result, messages_in
from streams.dialects.openai_input import Conversed, check_number, conversed, typed
from streams.exceptions import Invalid

# What would change an answer, and cannot be done here; each with what to do instead.
NOT_HERE = {
    "functions": "send tools instead",
    "function_call": "send tool_choice instead",
    "audio": "answers are text",
    "logprobs": "nothing is known of them",
    "top_logprobs": "nothing is known of them",
    "logit_bias": "leave it out",
    "stop": "end the answer where you want it to end",
    "prediction": "leave it out",
    "web_search_options": "give the model a tool of your own",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a completion. `usage` asks a stream for its tokens in the end, `results` are
    those of calls since the prompt."""

    said: Conversed
    results: Sequence[Result] = ()
    tools: Sequence[posted_tools.Kept] = ()
    model: str = ""
    stream: bool = False
    usage: bool = False
    answer_tokens: int | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """Returns what the run keeps of the request."""
        tokens = {"answer_tokens": self.answer_tokens} if self.answer_tokens else {}
        own = {"system": self.said.system or "", "tools": [*self.tools]}
        return own | tokens | self.said.kept


def asked(given: Mapping[str, Any]) -> Asked:
    """Raises Invalid and TooLarge."""
    refuse_what_is_not_here(given)
    tools = tools_in(given)
    history = messages_in(given.get("messages"), "messages")
    said = conversed(history.said, "messages")
    quotas.check_text("system", said.system or "")
    check_number(given, "temperature", 2)
    check_number(given, "top_p", 1)
    options = typed(given, "stream_options", dict, {})
    return Asked(
        said,
        results=history.results(),
        tools=tools,
        model=typed(given, "model", str, ""),
        stream=typed(given, "stream", bool, False),
        usage=bool(options.get("include_usage")),
        answer_tokens=tokens_in(given),
    )


def refuse_what_is_not_here(given: Mapping[str, Any]) -> None:
    """Raises Invalid for what would change the answer and cannot be done."""
    for name, instead in NOT_HERE.items():
        if given.get(name):
            raise Invalid(f"{name} can't be sent here: {instead}.", field=name)
    if typed(given, "n", int, 1) != 1:
        raise Invalid("n is 1 here: ask again for another answer.", field="n")
    if given.get("modalities") not in (None, [], ["text"]):
        raise Invalid("Answers are text here.", field="modalities")
    shape = typed(given, "response_format", dict, {})
    if shape.get("type", "text") != "text":
        told = "Answers are text here, and no other format: ask for it in the messages."
        raise Invalid(told, field="response_format")


def tools_in(given: Mapping[str, Any]) -> list[posted_tools.Kept]:
    """Returns what the model is offered. Raises Invalid for what is no function, and TooLarge."""
    if given.get("tool_choice") not in (None, "auto", "none"):
        raise Invalid("tool_choice is auto or none here.", field="tool_choice")
    tools = typed(given, "tools", list, [])
    posted_tools.check_many(tools)
    functions = [each.get("function") if isinstance(each, Mapping) else None for each in tools]
    if any(each.get("type") != "function" for each in tools if isinstance(each, Mapping)) or any(
        not isinstance(function, Mapping) for function in functions
    ):
        raise Invalid("A tool is a function of the client's: no other can be sent.", field="tools")
    taken = posted_tools.tools_in(functions)
    return [] if given.get("tool_choice") == "none" else taken


def tokens_in(given: Mapping[str, Any]) -> int | None:
    """Returns the newer of the two names' value, which counts."""
    for name in ("max_completion_tokens", "max_tokens"):
        tokens: int | None = typed(given, name, int, None)
        if tokens is not None and tokens < 1:
            raise Invalid(f"{name} is at least 1.", field=name)
        if tokens is not None:
            return tokens
    return None
