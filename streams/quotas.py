"""Quotas of one person: lengths and numbers. A quota of 0 means no limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, gettext_noop

from . import budgets
from .conf import Settings, conf
from .exceptions import (
    ConversationFull,
    NoRoom,
    TooLarge,
    TooManyEmpty,
    TooManyFiles,
    TooManyRuns,
    TooManyStreams,
)
from .postgres.database import connection
from .user_model import lock_user, locked

if TYPE_CHECKING:
    from .models import Conversation


PersonKey = Hashable  # of whatever type the site's user model has

TOO_LONG = {
    "content": gettext_noop("That is too long to send: at most %(most)s characters."),
    "messages": gettext_noop("A message is too long: at most %(most)s characters."),
    "system": gettext_noop("The instructions are too long: at most %(most)s characters."),
}

WRITTEN = gettext_noop("You have %(count)d answers being written already. Wait for one to end.")
WAITING = gettext_noop("You have %(count)d answers waiting already. Wait for one to end.")


def check_text(name: str, text: str) -> None:
    """Raises TooLarge."""
    most = conf().prompt_characters
    if most and len(text) > most:
        raise TooLarge(too_long(name, most), field=name)


def too_long(name: str, most: int) -> str:
    return gettext(TOO_LONG[name]) % {"most": f"{most:,}"}


def check_length(conversation: Conversation, more: int) -> None:
    """Raises ConversationFull when so many more messages do not fit."""
    most = conf().conversation_messages
    # Each has a number of its own, so that most logs say without counting that there is room.
    if not most or conversation.last_seq + more <= most:
        return
    there = conversation.messages.count() if conversation.pk else 0
    if there + more > most:
        told = gettext("A conversation holds %(most)d messages. Begin a new one.")
        raise ConversationFull(told % {"most": most})


def check_empty(owner_id: Any) -> None:
    """Checks that one more empty conversation may begin; raises TooManyEmpty.

    Looks only at the newest, deleted ones included: it stays quick for people with thousands.
    """
    most = conf().empty_per_user
    if not most:
        return
    mine = lock_user(owner_id).streams_conversations
    newest = mine.newest()[: 2 * most]
    if mine.filter(pk__in=newest.values("pk"), messages=None).count() >= most:
        told = gettext("You have %(most)d conversations with nothing in them. Use one of those.")
        raise TooManyEmpty(told % {"most": most})


def lock_owner(owner_id: Any) -> None:
    """Locks the person, or many prompts at the same moment would all find room.

    This comes before the conversation's lock: a site that changed the person's row in the same
    transaction holds it already, and the two must not wait for each other. So does a file that
    follows in the same transaction where files are counted.
    """
    if counts_runs() or counts_files():
        locked(owner_id).values_list("pk").first()


def lock_owner_ahead(owner_id: Any) -> None:
    """As `lock_owner`, where a conversation's row will be held to the end of the caller's
    transaction: a prompt that follows in it must not lock the two in another order than pages do.
    """
    if connection().in_atomic_block:
        lock_owner(owner_id)


def counts_runs() -> bool:
    return bool(conf().running_per_user or conf().queued_per_user)


def counts_files() -> bool:
    return bool(conf().attachment_bytes_per_user or conf().attachments_unsent)


def check_runs(conversation: Conversation) -> None:
    """Checks that one more run of the conversation's owner may open. Raises TooManyRuns, and
    BudgetSpent.

    Only one run per conversation runs at a time, so conversations with an open run are counted. The
    caller holds the owner's lock.
    """
    budgets.check(conversation.owner_id)
    if not counts_runs():
        return
    streams = conf()
    count = open_runs(conversation.owner_id).aggregate(
        all=Count("pk"),
        places=Count("conversation_id", distinct=True),
        here=Count("pk", filter=Q(conversation_id=conversation.pk)),
    )
    if not count["here"]:
        enough(count["places"], streams.running_per_user, WRITTEN)
    else:
        enough(count["all"] - count["places"], streams.queued_per_user, WAITING)


def check_going_on(conversation: Conversation) -> None:
    """Checks that a run which waited for nothing but its client may go on, as it counts from now
    on. Raises TooManyRuns. The caller holds the owner's lock."""
    if most := conf().running_per_user:
        others = open_runs(conversation.owner_id).exclude(conversation_id=conversation.pk)
        enough(
            others.aggregate(places=Count("conversation_id", distinct=True))["places"],
            most,
            WRITTEN,
        )


def open_runs(owner_id: Any) -> QuerySet[Any]:
    """Returns the runs that count as open: not those that wait only for calls of their clients,
    which may never come back for them."""
    run: Any = apps.get_model("streams", "Run")
    call: Any = apps.get_model("streams", "ToolCall")
    status = run.Status
    waiting = call.objects.filter(run=OuterRef("pk"), status=call.Status.WAITING, client=False)
    # Not IN: only this way each half finds its own partial index.
    is_open = Q(status=status.QUEUED) | Q(status=status.RUNNING) | Q(status=status.WAITING)
    counts = ~Q(status=status.WAITING) | Exists(waiting)
    found: QuerySet[Any] = run.objects.filter(is_open, counts, conversation__owner_id=owner_id)
    return found


def check_files(owner_id: Any, more: int, waits: bool = True) -> None:
    """Checks that one more file of so many bytes may be attached, and where it `waits` to be sent,
    that not too many do; raises NoRoom and TooManyFiles.

    Only under `lock_for_files` it stays true.
    """
    streams = conf()
    if not counts_files():
        return
    files: Any = apps.get_model("streams", "Attachment").objects.filter(owner_id=owner_id)
    found = files.aggregate(bytes=Sum("size"), unsent=Count("pk", filter=Q(conversation=None)))
    most = streams.attachment_bytes_per_user
    if most and (found["bytes"] or 0) + more > most:
        told = gettext(
            "Your files take up all of your %(most)s. Delete conversations with files in them."
        )
        raise NoRoom(told % {"most": filesizeformat(most)}, field="file")
    most = streams.attachments_unsent
    if waits and most and found["unsent"] >= most:
        told = gettext("You have attached %(most)d files that you have not sent. Send some first.")
        raise TooManyFiles(told % {"most": most}, field="file")


def lock_for_files(owner_id: Any) -> None:
    """Locks the person where their files are counted, as two uploads at once would find room for
    both."""
    if counts_files():
        locked(owner_id).values_list("pk").first()


def enough(now: int, most: int, told: str) -> None:
    if most and now >= most:
        raise TooManyRuns(gettext(told) % {"count": now})


class StreamQuota:
    """Counts the open streams of one process by person and by device."""

    def __init__(self, conf: Settings) -> None:
        self.conf = conf
        self._users: Counter[Hashable] = Counter()
        self._devices: Counter[Hashable] = Counter()

    def take(self, user_id: PersonKey, device_id: int) -> None:
        """Raises TooManyStreams."""
        for taken, key, most, whose in (
            (self._devices, device_id, self.conf.streams_per_device, "This device"),
            (self._users, user_id, self.conf.streams_per_user, "This account"),
        ):
            if most and taken[key] >= most:
                raise TooManyStreams(f"{whose} already has {most} streams open.")
        self._devices[device_id] += 1
        self._users[user_id] += 1

    def free(self, user_id: PersonKey, device_id: int) -> None:
        for taken, key in ((self._devices, device_id), (self._users, user_id)):
            taken[key] -= 1
            if not taken[key]:
                del taken[key]
