"""Lists of messages as clients post them: the conversation as they see it, with the prompt last.

The list is the truth about the branch: an edited prompt, or one behind an older answer, begins one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db.models import Q, QuerySet

from streams import policy, quotas
from streams.exceptions import Invalid
from streams.models import Conversation, Device, Message, Run, branching, prompt_files
from streams.models.branching import Imported
from streams.postgres.database import atomic
from streams.text_cleaning import clean
from streams.views.conversation_fields import checked_values
from streams.views.prompt_files import check_taken

from . import client_ids, posted_tools
from .files import File, Storing, check_ahead


class Said(NamedTuple):
    """One message of a posted list; `role` is `user` or `assistant`."""

    id: str
    role: str
    text: str
    files: tuple[File, ...] = ()


class Posted(NamedTuple):
    """What a client posts: the conversation's name, the messages, and settings that came along.

    `edited` tells that the prompt takes the place of an earlier one, or is sent once more by hand,
    `again` that it wants another answer, than the one with the id `replaced` if that is known.
    `tools` are those that the client runs.
    """

    name: str
    messages: Sequence[Said]
    model: str = ""
    system: str = ""
    edited: bool = False
    again: bool = False
    replaced: str = ""
    tools: Sequence[posted_tools.Kept] = ()


def ask(user: Any, device: Device, posted: Posted, run: UUID | None = None) -> Run:
    """Returns the run that answers the list's last message: a new one, or the one of an earlier
    post of the same list, which changes nothing then. `run` is the id of a new one.

    Raises Invalid, and what `Conversation.post` and `Storing.each` raise.
    """
    if not posted.messages or posted.messages[-1].role != "user":
        raise Invalid("The last message is the user's prompt.", field="messages")
    values = settings_in(user, posted)
    with Storing(user, "messages") as storing:
        files = files_in(user, posted, storing, values)
        return asked(user, device, posted, values, files, run)


def files_in(
    user: Any, posted: Posted, storing: Storing, values: dict[str, Any]
) -> list[tuple[UUID, ...]]:
    """Returns each message's files, stored where they will be needed: those of the prompt, and
    those of the others if none of them is known here."""
    if not any(each.files for each in posted.messages):
        return [()] * len(posted.messages)
    here = client_ids.conversation_of(user, posted.name)
    *before, prompt = posted.messages
    known = here is not None and any(message_of(here, each) for each in reversed(before))
    said = [*([] if known else before), prompt]
    model = values.get("model") or (here.model if here else policy.default_model(user))
    ahead = partial(check_ahead, user, here, model, said)
    earlier = message_of(here, prompt) if here else None
    stored = storing.each([each.files for each in said], earlier, ahead)
    return [*([()] * (len(posted.messages) - len(said))), *stored]


@atomic
def asked(
    user: Any,
    device: Device,
    posted: Posted,
    values: dict[str, Any],
    files: list[tuple[UUID, ...]],
    run: UUID | None,
) -> Run:
    """Does what `ask` does, `files` being those of each message."""
    quotas.lock_owner(user.pk)
    here = locked(user, posted.name, values)
    prompt = posted.messages[-1]
    known = known_prompt(here, posted, files[-1])
    if known and (earlier := earlier_run(known, posted, run)):
        return earlier
    here = here.change(device, **values) if values else here
    if known:
        return with_tools(known.runs.latest("pk").retry(device, run_id=run), posted)
    check_taken(user, here.model, files[-1])
    key, parent = free_key(here, prompt), place(here, posted, files)
    _, made, _ = here.post(prompt.text, device, key, parent, run, attachments=files[-1])
    return with_tools(made, posted)


def locked(user: Any, name: str, values: dict[str, Any]) -> Conversation:
    """Returns the conversation, its row locked; a new one has these settings."""
    defaults = {"model": policy.default_model(user)} | values
    return Conversation.lock(client_ids.begin(user, name, **defaults).pk)


def known_prompt(here: Conversation, posted: Posted, files: Sequence[UUID]) -> Message | None:
    """Returns the prompt if it was posted before, with these files. One that was taken back is as
    if it never was, but for a post that merely comes twice."""
    prompt = posted.messages[-1]
    twice = not (posted.again or posted.edited)
    known = message_of(here, prompt) or (newest_named(here, prompt) if twice else None)
    if known is None or known.text != clean(prompt.text) or not known.runs.exists():
        return None
    return known if prompt_files.has_same(known, files) else None


def settings_in(user: Any, posted: Posted) -> dict[str, Any]:
    """Raises what `checked_values` raises, and UnknownModelName by the site's policy."""
    given = {"model": posted.model, "system": posted.system}
    values = checked_values({name: value for name, value in given.items() if value})
    if "model" in values:
        policy.check_model(user, values["model"])
    return values


def imported(messages: Sequence[Said], files: Sequence[tuple[UUID, ...]]) -> list[Imported]:
    return [
        Imported(cast(Any, each.role), each.text, own)
        for each, own in zip(messages, files, strict=True)
        if each.text.strip() or own
    ]


def message_of(here: Conversation, said: Said) -> Message | None:
    """Returns the message that a client means: its own newest one of that id, or one by our id;
    None for one that nobody knows or that was taken back."""
    return next((each for each in messages_of(here, said) if not taken_back(each)), None)


def newest_named(here: Conversation, said: Said) -> Message | None:
    """Returns the same, also if it was taken back."""
    return messages_of(here, said).first()


def messages_of(here: Conversation, said: Said) -> QuerySet[Message]:
    key = client_ids.message_key(said.id)
    meant = Q(client_key=key) | Q(client_key__startswith=f"{key}#")
    if uuid := client_ids.as_uuid(said.id):
        meant |= Q(uuid=uuid)
    return here.messages.filter(meant).order_by("-seq")


def taken_back(message: Message) -> bool:
    runs = [message.run] if hasattr(message, "run") else list(message.runs.all())
    return bool(runs) and all(run.removed for run in runs)


def free_key(here: Conversation, said: Said) -> str:
    """Returns the key of a new message, which keeps its client's id where another text has it."""
    key = client_ids.message_key(said.id)
    return f"{key}#{here.last_seq}" if here.messages.filter(client_key=key).exists() else key


def earlier_run(prompt: Message, posted: Posted, run: UUID | None) -> Run | None:
    """Returns the run that answers a prompt already; None if the post wants another one."""
    if run and (earlier := prompt.runs.filter(uuid=run).first()):
        return earlier  # the same post came twice at once
    newest = prompt.runs.select_related("answer").latest("pk")
    return newest if newest.status in Run.OPEN or is_repeated(prompt, newest, posted) else None


def is_repeated(prompt: Message, newest: Run, posted: Posted) -> bool:
    """Tells whether the newest run, which has ended, is what a post asks for: its own response may
    have been lost. A prompt that is sent once more by hand wants an answer, and so another run
    where that was none, and a branch where others follow it; who wants another answer than an older
    one has not seen the newest."""
    if posted.edited:
        followed = branching.newest_of(prompt.conversation) != prompt
        return newest.status == Run.Status.COMPLETED and not followed
    replaced = client_ids.as_uuid(posted.replaced)
    if not posted.again or not replaced:
        return not posted.again
    older = prompt.runs.exclude(pk=newest.pk)
    return older.filter(answer__uuid=replaced).exists()


def with_tools(run: Run, posted: Posted) -> Run:
    """Keeps with a new run which tools its client runs."""
    if posted.tools:
        run.asked = (run.asked or {}) | posted_tools.keeping(posted.tools)
        run.save(update_fields=["asked"])
    return run


def place(here: Conversation, posted: Posted, files: Sequence[tuple[UUID, ...]]) -> str | None:
    """Returns which message the prompt follows, as `Conversation.post` wants it: the nearest one
    before it that is known here. Where none is known, all were said elsewhere, and begin a branch.
    """
    before = posted.messages[:-1]
    if not before:
        return "" if posted.edited and here.last_seq else None
    for said in reversed(before):
        if (known := message_of(here, said)) is not None:
            return None if unsettled(here, known) else str(known.uuid)
    elsewhere = imported(before, files[:-1])
    taken = branching.take_in(here, elsewhere, "" if here.last_seq else None)
    return str(taken[-1].uuid) if taken else None


def unsettled(here: Conversation, known: Message) -> bool:
    """Tells whether a message is the newest prompt, or its answer that has not begun: the client
    has not seen all that stands there yet."""
    run, newest = getattr(known, "run", None), branching.newest_of(here)
    return run.attempt == 0 and run.prompt == newest if run else known == newest
