"""Histories as OpenAI's clients send them: messages, calls of tools, and what became of those.

Its two protocols write calls differently, as items of their own or as parts of messages; read, they
are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from streams.agents.tool import NAME
from streams.exceptions import Invalid
from streams.log.imported_calls import ImportedCall

from .openai_input import LONGEST_ID, MOST_CALLS, NO_CALL, NO_RESULT, ROLES, Said, said, text_in

NO_ITEM = "An item is a message with role and content, or a function's call or output."
NO_FUNCTIONS = "Calls of functions are sent as tool_calls, and their results with the role tool."
SPEAKERS = ("user", "assistant")


class Result(NamedTuple):
    """The result of a call, as a client sends it."""

    call_id: str
    output: str


class History:
    """What was read so far: `said`, and `loose` results, whose calls the client has left out.

    A call belongs to the assistant's message before it, and without one to a message of its own.
    """

    def __init__(self, field: str) -> None:
        self.field = field
        self.said: list[Said] = []
        self.loose: list[Result] = []
        self._calls: list[ImportedCall] | None = None  # of the assistant's message that is read
        self._waiting: dict[str, ImportedCall] = {}  # calls of it without a result yet

    def say(self, message: Said) -> None:
        """Raises Invalid where a call before it has no result."""
        if message.role not in SPEAKERS:
            self.said.append(message)
            return
        self.close()
        self._calls = None
        if message.role == "assistant":
            self._calls = []
            message = message._replace(calls=self._calls)
        self.said.append(message)

    def call(self, id: Any, name: Any, arguments: Any) -> None:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Invalid("A call has the name of its function.", field=self.field)
        if not isinstance(arguments, str):
            raise Invalid("The arguments of a call are JSON, as text.", field=self.field)
        if self._calls is None or (self._calls and not self._waiting):
            self.say(Said("assistant", ""))
        assert self._calls is not None
        made = {"call_id": self.id_in(id), "name": name, "arguments": arguments, "result": ""}
        if any(made["call_id"] == each["call_id"] for each in self._calls):
            raise Invalid(f"Two calls have the id {made['call_id'][:80]}.", field=self.field)
        self._calls.append(made)
        self._waiting[made["call_id"]] = made
        if len(self._calls) > MOST_CALLS:
            raise Invalid(f"A message has at most {MOST_CALLS} calls.", field=self.field)

    def result(self, id: Any, output: Any, here: bool) -> None:
        """`here` tells that its call may have been left to the server."""
        told = Result(self.id_in(id), text_in(output, self.field))
        if (call := self._waiting.pop(told.call_id, None)) is not None:
            call["result"] = told.output
        elif here:
            self.loose.append(told)
        else:
            raise Invalid(NO_CALL.format(told.call_id[:80]), field=self.field)

    def close(self) -> None:
        """Raises Invalid where a call has no result, or a result no call."""
        if self._waiting:
            raise Invalid(NO_RESULT.format(next(iter(self._waiting))[:80]), field=self.field)
        if self.loose:
            raise Invalid(NO_CALL.format(self.loose[0].call_id[:80]), field=self.field)

    @property
    def rules(self) -> list[Said]:
        return [each for each in self.said if each.role not in SPEAKERS]

    @property
    def talk(self) -> list[Said]:
        return [each for each in self.said if each.role in SPEAKERS]

    def results(self) -> list[Result]:
        """Returns the results since the user's last message."""
        found = [*self.loose]
        for message in reversed(self.said):
            if message.role == "user":
                break
            found[:0] = [Result(call["call_id"], call["result"]) for call in message.calls]
        return found

    def end(self) -> History:
        """Returns itself. Raises Invalid where a call has no result."""
        if self._waiting:
            raise Invalid(NO_RESULT.format(next(iter(self._waiting))[:80]), field=self.field)
        return self

    def closed(self) -> list[Said]:
        """Returns what was said. Raises Invalid where a result has no call."""
        self.close()
        return self.said

    def id_in(self, id: Any) -> str:
        if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
            told = f"The id of a call is a text of 1 to {LONGEST_ID} characters."
            raise Invalid(told, field=self.field)
        return id


def items_in(given: Any, field: str) -> History:
    """Reads a text, or items of the Responses API. What a model has thought is left out: clients
    send it back with the rest. Raises Invalid, and TooLarge for a file.
    """
    history = History(field)
    if isinstance(given, str):
        history.say(Said("user", given))
        return history
    if not isinstance(given, list):
        raise Invalid(f"{field} is a text or a list of messages.", field=field)
    for item in given:
        read_item(history, item)
    return history.end()


def read_item(history: History, item: Any) -> None:
    kind = item.get("type", "message") if isinstance(item, Mapping) else None
    if kind == "function_call":
        history.call(item.get("call_id"), item.get("name"), item.get("arguments"))
    elif kind == "function_call_output":
        history.result(item.get("call_id"), item.get("output"), here=True)
    elif kind == "message":
        history.say(message_in(item, history.field))
    elif kind != "reasoning":
        raise Invalid(NO_ITEM, field=history.field)


def messages_in(given: Any, field: str) -> History:
    """Reads messages of Chat Completions. Raises what `items_in` raises."""
    if not isinstance(given, list):
        raise Invalid(f"{field} is a list of messages.", field=field)
    history = History(field)
    for message in given:
        read_message(history, message)
    return history.end()


def read_message(history: History, message: Any) -> None:
    role = message.get("role") if isinstance(message, Mapping) else None
    if role == "function" or (role and message.get("function_call")):
        raise Invalid(NO_FUNCTIONS, field=history.field)
    if role == "tool":
        history.result(message.get("tool_call_id"), message.get("content"), here=False)
        return
    calls = message.get("tool_calls") if role == "assistant" else None
    if not calls:
        history.say(message_in(message, history.field))
        return
    text = message.get("content")
    history.say(said("assistant", "" if text is None else text, history.field))
    for each in calls if isinstance(calls, list) else [calls]:
        call = each if isinstance(each, Mapping) else {}
        function = call.get("function")
        known = function if isinstance(function, Mapping) else {}
        history.call(call.get("id"), known.get("name"), known.get("arguments"))


def message_in(item: Any, field: str) -> Said:
    if not isinstance(item, Mapping):
        raise Invalid(NO_ITEM, field=field)
    if item.get("role") not in ROLES:
        raise Invalid(f"role is one of {', '.join(ROLES)}.", field=field)
    return said(item["role"], item.get("content"), field)
