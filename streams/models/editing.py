"""Asks a prompt again, as it was or edited: what was said before stays as another branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext

from streams import quotas
from streams.exceptions import Invalid
from streams.log import branches, file_references
from streams.postgres.database import atomic
from streams.text_cleaning import clean

from . import branching, prompt_files
from .conversation import Conversation
from .message_order import outline

if TYPE_CHECKING:
    from .device import Device
    from .message import Message
    from .run import Run


@atomic
def ask_again(
    prompt: Message,
    content: str,
    device: Device | None,
    client_key: str | None = None,
    model: str | None = None,
    attachments: Sequence[UUID] | None = None,
) -> tuple[Message, Run, bool]:
    """Returns the message, the run that will answer it by `model` or the conversation's own, and
    False if the request was sent before.

    The same text with the same files is one more answer to the same prompt, and anything else a
    prompt in its place. Without `attachments` the files stay those it was sent with.
    Raises NotFound if the prompt was taken back, Invalid if it is no prompt, and what
    `Conversation.post` and `Run.retry` raise.
    """
    quotas.lock_owner(prompt.conversation.owner_id)
    here = Conversation.lock(prompt.conversation_id)
    branching.one_of(here, str(prompt.uuid))
    if prompt.role != prompt.Role.USER:
        raise Invalid(gettext("Only what you have written can be edited."), field="message")
    newest = here.runs.filter(prompt=prompt).order_by("pk").last()
    had = [UUID(id) for id in file_references.ids_of(prompt.blocks)]
    files = had if attachments is None else attachments
    if (
        newest
        and clean(content).strip() == prompt.text.strip()
        and prompt_files.has_same(prompt, files)
    ):
        run = newest.retry(device, model)
        return prompt, run, run.pk != newest.pk
    parent = before(here, prompt)
    return here.post(content, device, client_key, parent=parent, model=model, attachments=files)


def before(here: Conversation, message: Message) -> str:
    """Returns the id of the message that this one follows, "" at a beginning."""
    groups = branches.grouped(outline(here.pk).messages)
    links = branches.before_each(groups)
    at = next(at for at, group in enumerate(groups) if group[0].id == str(message.uuid))
    place, named = links[at]
    return "" if place is None else named or groups[place][-1].id
