"""Messages as OpenAI's clients send them, and other fields of theirs; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast
from uuid import UUID

from streams import quotas
from streams.conf import conf
from streams.exceptions import Invalid, TooLarge
from streams.log.imported_calls import ImportedCall
from streams.models import Conversation, branching
from streams.models.branching import Imported

from .files import File, of_base64, of_url

ROLES = ("user", "assistant", "system", "developer")
TEXTS = ("input_text", "output_text", "text")
IMAGES = ("input_image", "image_url")
FILES = (*IMAGES, "input_file", "file")
NOT_TAKEN = "A part is text, an image or a file: nothing else can be sent here."
NO_IDS = "There are no uploaded files here: send the content as a data URL instead of file_id."
OF_USERS = "Only the user's messages have images and files."
NO_CALL = "No tool call found for function call output with call_id {}."
NO_RESULT = "No tool output found for function call {}."
LONG_ROUNDS = "The messages since the user's last one are too long: at most {:,} characters in all."
LONGEST_ID = 200
MOST_CALLS = 128  # of one message


class Said(NamedTuple):
    """One message as it was sent; an assistant's with the tools it called, and what they gave."""

    role: str
    text: str
    files: tuple[File, ...] = ()
    calls: Sequence[ImportedCall] = ()


class Conversed(NamedTuple):
    """What was sent: instructions, messages that came before, and the prompt to answer; `rounds`
    are messages of the assistant's since then, the last of which has called tools.
    """

    system: str | None
    before: list[Said]
    prompt: Said
    rounds: list[Said]

    @property
    def kept(self) -> dict[str, Any]:
        """What a run keeps of it that a conversation does not hold."""
        rounds = [{"text": each.text, "calls": [*each.calls]} for each in self.rounds]
        return {"rounds": rounds} if rounds else {}


class Sent(NamedTuple):
    """What was sent with a prompt, the files of all messages stored."""

    before: list[Imported]
    files: Sequence[UUID]
    key: str | None


def conversed(messages: Sequence[Said], field: str, instructions: str = "") -> Conversed:
    """Raises Invalid unless the last message is the user's, or one with results of calls."""
    said = [each for each in messages if each.role == "user" or says_anything(each)]
    asks = [at for at, each in enumerate(said) if each.role == "user"]
    rounds = said[asks[-1] + 1 :] if asks else []
    if not asks or (rounds and not rounds[-1].calls):
        raise Invalid("The last message has to be the user's.", field=field)
    rules = [each.text for each in messages if each.role in ("system", "developer")]
    system = "\n\n".join([*([instructions] if instructions else []), *rules])
    return Conversed(system or None, said[: asks[-1]], said[asks[-1]], rounds)


def says_anything(message: Said) -> bool:
    """Tells whether there is anything in an assistant's message: one that failed may be empty."""
    return message.role == "assistant" and bool(message.text.strip() or message.calls)


def imported(messages: Sequence[Said], files: Sequence[Sequence[UUID]]) -> list[Imported]:
    """Returns messages as they are taken in, `files` being those of each."""
    return [
        Imported(cast(Any, each.role), each.text, own, each.calls)
        for each, own in zip(messages, files, strict=True)
    ]


def check_rounds(said: Conversed, field: str) -> None:
    """Bounds what a run keeps of messages since the prompt: they count with the others, and all of
    them are as long as an answer at most. Raises ConversationFull, TooLarge, and what
    `branching.checked` raises of a message.
    """
    if not said.rounds:
        return
    quotas.check_length(Conversation(), len(said.before) + 1 + len(said.rounds))
    most = conf().answer_characters
    if sum(map(length_of, said.rounds)) > most:
        raise TooLarge(LONG_ROUNDS.format(most), field=field)
    for each in said.rounds:
        branching.checked(Imported("assistant", each.text, (), each.calls))


def length_of(message: Said) -> int:
    """Returns the characters of a message and of all of its calls."""
    return len(message.text) + sum(len(text) for call in message.calls for text in call.values())


def text_in(content: Any, field: str) -> str:
    """Returns what a tool has given. Raises Invalid for what is no text."""
    told = said("tool", content, field)
    return told.text


def said(role: str, content: Any, field: str) -> Said:
    if isinstance(content, str):
        return Said(role, content)
    if not isinstance(content, list):
        raise Invalid("content is a text or a list of parts.", field=field)
    parts = [part_in(part, field) for part in content]
    files = tuple(part for part in parts if isinstance(part, File))
    if files and role != "user":
        raise Invalid(OF_USERS, field=field)
    return Said(role, "".join(part for part in parts if isinstance(part, str)), files)


def part_in(part: Any, field: str) -> str | File:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in FILES:
        return file_in(part, field)
    text = part.get("refusal" if kind == "refusal" else "text") if kind else None
    if kind in (*TEXTS, "refusal") and isinstance(text, str):
        return text
    raise Invalid(NOT_TAKEN, field=field)


def file_in(part: Mapping[str, Any], field: str) -> File:
    """Reads an image or a file, which Chat Completions wraps once more."""
    inner = part.get(part["type"])
    given = inner if isinstance(inner, Mapping) else part
    if given.get("file_id"):
        raise Invalid(NO_IDS, field=field)
    if part["type"] in IMAGES:
        return of_url(given.get("url") or given.get("image_url"), "", field)
    data, name = given.get("file_data"), given.get("filename")
    if isinstance(data, str) and data[:5].lower() != "data:":
        return of_base64(data, name, field)
    return of_url(data or given.get("file_url"), name, field)


def metadata_in(given: Any) -> dict[str, str]:
    """Raises Invalid for more than 16 pairs of a key of 64 and a text of 512 characters."""
    pairs = {} if given is None else given
    if not isinstance(pairs, Mapping) or len(pairs) > 16:
        raise Invalid("metadata has at most 16 pairs.", field="metadata")
    for key, value in pairs.items():
        if not isinstance(value, str) or len(key) > 64 or len(value) > 512:
            raise Invalid("metadata pairs a key of 64 and a text of 512.", field="metadata")
        if "\0" in key + value:
            raise Invalid("metadata is text.", field="metadata")
    return dict(pairs)


def typed(given: Mapping[str, Any], name: str, kind: type, otherwise: Any) -> Any:
    """Returns a field, or `otherwise` where it is null or missing. Raises Invalid."""
    value = given.get(name)
    if value is None:
        return otherwise
    if kind is int and isinstance(value, float) and value.is_integer():  # as JSON has it
        return int(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Invalid(f"{name} must be {kind.__name__}.", field=name)
    return value


def check_number(given: Mapping[str, Any], name: str, most: float) -> None:
    """Raises Invalid unless a field is missing or within 0 and `most`."""
    value = given.get(name)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
    if value is not None and not fits:
        raise Invalid(f"{name} is 0 to {most:g}.", field=name)
