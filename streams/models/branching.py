"""Places a new message: which message it follows, and which messages of a client it brings
along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from streams import log, quotas
from streams.conf import conf
from streams.exceptions import Invalid, NotFound, TooLarge
from streams.log import branches, file_references
from streams.log.imported_calls import ImportedCall
from streams.text_cleaning import clean

from . import prompt_files
from .message_order import is_branched, outline

if TYPE_CHECKING:
    from .conversation import Conversation
    from .message import Message

ROLES = ("user", "assistant")


class Imported(NamedTuple):
    """A message that was said elsewhere, by the user or an assistant, who may have called tools."""

    role: Literal["user", "assistant"]
    text: str
    attachments: Sequence[UUID] = ()
    calls: Sequence[ImportedCall] = ()


def follow(here: Conversation, message: Message, parent: str | None) -> None:
    """Puts a message that is not stored yet behind `parent`: a message's id, "" for a beginning,
    or None for the newest branch. The caller holds the conversation's row.

    A message at the end of the newest branch names nobody, so that it also follows what comes
    between later: another answer to the prompt before it. Raises NotFound if `parent` is not here,
    and Invalid if it is an answer that has not begun and may be taken back.
    """
    if parent is None:
        return
    newest = newest_of(here)
    if parent == "":
        if newest is not None:
            message.parent_seq, message.parent = 0, ""
        return
    found = one_of(here, parent)
    run = getattr(found, "run", None)
    asked = run.prompt if run else found
    if asked == newest and found == last_answer(asked):
        return
    own = found.runs.exclude(status="steered")
    if run.attempt == 0 if run else own.exists() and not own.exclude(attempt=0):
        raise Invalid(gettext("That answer has not begun yet."), field="parent")
    message.parent_seq, message.parent = found.seq, str(found.uuid)


def end_of(here: Conversation, held: str) -> str | None:
    """Returns the parent of a prompt that goes on with the branch which holds a message, whatever
    has been said in others; None if that is the newest. The caller holds the conversation's row.
    Raises NotFound.
    """
    one_of(here, held)
    messages = outline(here.pk).messages
    end = branches.holding(messages, held)[-1].id
    return None if end == branches.ending_at_newest(messages)[-1].id else end


def joins(here: Conversation, prompt: Message) -> bool:
    """Tells whether a prompt, not stored yet, comes after the answer that is being written, so that
    it may join that: `follow` has put it where it stands.
    """
    if prompt.parent_seq is None and not is_branched(here.pk):
        return True
    open = here.runs.filter(status__in=here.runs.model.OPEN).exclude(attempt=0)
    written = {str(id) for id in open.values_list("answer__uuid", flat=True)}
    before = branches.leading_to(outline(here.pk).messages, prompt.parent)
    return any(message.id in written for message in before)


def one_of(here: Conversation, id: str) -> Message:
    """Returns a message that has not been taken back. Raises NotFound."""
    try:
        found = here.messages.select_related("run__prompt").filter(uuid=UUID(id)).first()
    except ValueError:
        found = None
    run = getattr(found, "run", None)
    if found is None or (run and run.removed):
        raise NotFound(gettext("This message isn't here."), field="parent")
    return found


def newest_of(here: Conversation) -> Message | None:
    """Returns the newest message that is no answer and was not taken back."""
    runs = here.runs.model.objects.filter(prompt=OuterRef("pk"))
    kept = ~Exists(runs) | Exists(runs.exclude(status="cancelled", attempt=0))
    return here.messages.filter(Q(run=None), kept).last()


def last_answer(prompt: Message) -> Message:
    """Returns the newest answer to a prompt, or the message itself where there is none."""
    kept = prompt.runs.exclude(status="cancelled", attempt=0)
    newest = kept.select_related("answer").order_by("pk").last()
    return newest.answer if newest else prompt


def take_in(
    here: Conversation, messages: Sequence[Imported], parent: str | None = None
) -> list[Message]:
    """Stores messages that were said elsewhere, each behind the one before it, the first behind
    `parent`. The caller holds the conversation's row, which may be new.

    Raises what `follow`, `quotas` and `prompt_files` raise, and Invalid for an empty one.
    """
    quotas.check_length(here, len(messages))
    model = here.messages.model
    files = [prompt_files.sendable(here, each.attachments) for each in messages]
    stored = [
        model(
            conversation=here,
            role=each.role,
            blocks=file_references.said(
                checked(each), [file.reference() for file in attached], each.calls
            ),
            seq=here.last_seq + nth,
        )
        for nth, (each, attached) in enumerate(zip(messages, files, strict=True), 1)
    ]
    if stored:
        follow(here, stored[0], parent)
        with log.numbered(here.pk):
            model.objects.bulk_create(stored)
        for message, attached in zip(stored, files, strict=True):
            prompt_files.sent(attached, message)
        here.append(*(message.created() for message in stored))
    return stored


def checked(message: Imported) -> str:
    """Returns a message's text as it is stored. Raises Invalid and TooLarge."""
    text = clean(message.text)
    if message.role not in ROLES:
        raise Invalid(f"role is one of {', '.join(ROLES)}.", field="messages")
    if not text.strip() and not message.attachments and not message.calls:
        raise Invalid(gettext("A message is empty."), field="messages")
    if message.role == "user":
        quotas.check_text("messages", text)
    elif len(text) + sum(map(length_of, message.calls)) > conf().answer_characters:
        raise TooLarge(quotas.too_long("messages", conf().answer_characters), field="messages")
    return text


def length_of(call: ImportedCall) -> int:
    return len(call["arguments"]) + len(call["result"])
