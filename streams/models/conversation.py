from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, UUID

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from streams import log, quotas
from streams.conf import conf
from streams.exceptions import NotFound
from streams.postgres import channels
from streams.postgres.database import atomic
from streams.text_cleaning import clean
from streams.user_model import key_text

from . import branching, busy_rule, cancelling, posting, prompt_files
from .causing_device import caused_by
from .conversation_indexes import INDEXES

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from .device import Device
    from .message import Message
    from .run import Run

TITLE_LENGTH = 120


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def owned_by(self, user: Any) -> ConversationQuerySet:
        """The only door to conversations: someone else's, and deleted ones, are not there.

        `user` is a person or their key.
        """
        return self.filter(owner_id=getattr(user, "pk", user), deleted_at__isnull=True)

    def restorable(self, user_id: Any) -> ConversationQuerySet:
        """Returns conversations deleted so recently that they can be restored; `left` is for how
        long.
        """
        final = Now() - timedelta(seconds=conf().purge_after)  # by the clock of the purge
        left = models.ExpressionWrapper(models.F("deleted_at") - final, models.DurationField())
        return self.filter(owner_id=user_id, deleted_at__gt=final).annotate(left=left)

    def newest(self) -> ConversationQuerySet:
        return self.order_by("-updated_at", "-id")


class Conversation(models.Model):
    """A conversation, which owns one ordered log of events.

    Only `streams.log` and the worker's claim write `last_seq`, `lease_token` and `active_run_id`,
    always while they hold this row's lock. `undecided` counts the calls of its open run that wait
    for a decision: it stands here, since what another table says may be old once this row is held.
    """

    class OnBusy(models.TextChoices):
        QUEUE = "queue", gettext_lazy("wait for the running answer")
        INTERRUPT = "interrupt", gettext_lazy("stop the running answer")
        REJECT = "reject", gettext_lazy("refuse the new prompt")
        STEER = "steer", gettext_lazy("join the running answer at its next step")

    uuid = models.UUIDField(gettext_lazy("UUID"), default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="streams_conversations",
        db_index=False,
        verbose_name=gettext_lazy("owner"),
    )
    title = models.CharField(gettext_lazy("title"), max_length=TITLE_LENGTH, blank=True)
    model = models.CharField(max_length=120)
    system = models.TextField(gettext_lazy("instructions"), blank=True)
    on_busy = models.CharField(
        gettext_lazy("a prompt during an answer"),
        max_length=9,
        choices=OnBusy.choices,
        default=OnBusy.QUEUE,
    )
    last_seq = models.BigIntegerField(gettext_lazy("last event"), default=0, editable=False)
    lease_token = models.BigIntegerField(gettext_lazy("lease token"), default=0, editable=False)
    active_run_id = models.BigIntegerField(gettext_lazy("running run"), null=True, editable=False)
    undecided = models.PositiveIntegerField(db_default=0, editable=False)
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(gettext_lazy("updated at"), default=timezone.now)
    archived_at = models.DateTimeField(gettext_lazy("archived at"), null=True, blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(gettext_lazy("deleted at"), null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True, editable=False)  # a program's own

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("conversation")
        verbose_name_plural = gettext_lazy("conversations")
        indexes = INDEXES

    def __str__(self) -> str:
        return self.title or "New conversation"

    @classmethod
    def begin(
        cls, owner: User, client_key: str | None = None, keys: UUID = NAMESPACE_OID, **values: Any
    ) -> Conversation:
        """A new one; with a `client_key` that came before, the one which that began, unless it
        has been deleted since. `keys` tells whose keys those are.

        Its name is made of the key, so that not even two sends at once begin two.
        """
        if not client_key:
            return cls.objects.create(owner=owner, **values)
        name = named(owner, client_key, keys)
        while True:
            here, _ = cls.objects.get_or_create(uuid=name, defaults={"owner": owner, **values})
            # Of people whose keys are any text, two and their `client_key`s may make one name.
            if here.deleted_at is None and key_text(here.owner_id) == key_text(owner.pk):
                return here
            name = uuid.uuid5(name, "again")

    @classmethod
    def lock(cls, pk: int) -> Conversation:
        """Reads the row anew and locks it until the end of the transaction.

        Everyone locks the conversation before its run. The writer skips rows locked FOR NO KEY
        UPDATE, so its tokens wait in memory and not on a connection.
        """
        found = cls.objects.select_for_update(no_key=True).filter(pk=pk, deleted_at__isnull=True)
        conversation = found.first()
        if conversation is None:
            raise NotFound(gettext("This conversation isn't here, or isn't yours."))
        return conversation

    def append(self, *events: log.NewEvent) -> None:
        """Appends events under this row's lock and moves `last_seq` along.

        Raises SetAside if the log has used these numbers already, as after a partial restore.
        """
        with log.numbered(self.pk):
            self.last_seq = log.append_locked(self.pk, events)

    @atomic
    def post(
        self,
        content: str,
        device: Device | None,
        client_key: str | None = None,
        parent: str | None = None,
        run_id: UUID | None = None,
        branch: str | None = None,
        model: str | None = None,
        attachments: Sequence[UUID] = (),
    ) -> tuple[Message, Run, bool]:
        """A prompt behind `parent`, or at the end of the branch that holds the message `branch`,
        and the run that will answer it; the flag tells a repeated send apart. Raises Invalid for
        an empty prompt, KeyReused when `client_key` came with other content, Busy when the
        conversation rejects prompts during a run, and what `quotas`, `branching` and `prompt_files`
        raise.
        """
        content = posting.checked(content, attachments)
        quotas.lock_owner(self.owner_id)
        here = Conversation.lock(self.pk)
        if client_key and (earlier := here.messages.filter(client_key=client_key).first()):
            prompt_files.check_repeated(earlier, content, attachments)
            run = earlier.runs.select_related("into").earliest("pk")
            return earlier, run.into or run, False
        quotas.check_length(here, 2)
        if branch and parent is None:
            parent = branching.end_of(here, branch)
        place = busy_rule.make_way(here, device)
        quotas.check_runs(here)
        files = prompt_files.sendable(here, attachments)
        known = (here, content, device, client_key, place, run_id)
        prompt, answer, run = posting.drafted(*known, files)
        branching.follow(here, prompt, parent)
        run.model = model or run.model
        if run.steers and not branching.joins(here, prompt):
            run.steers, run.rank = False, 0  # of another branch: it waits for its turn
        posting.post(here, prompt, answer, run)
        prompt_files.sent(files, prompt)
        return prompt, run, True

    def _answer_again(self, prompt: Message, device: Device | None, **chosen: Any) -> Run:
        """Creates another run, with its answer to come, for a prompt that is stored."""
        quotas.check_runs(self)
        message = self.messages.model
        answer = message(conversation=self, seq=self.last_seq + 1, role=message.Role.ASSISTANT)
        with log.numbered(self.pk):
            answer.save(force_insert=True)
        run = self.runs.create(prompt=prompt, answer=answer, **chosen)
        data = {"prompt": str(prompt.uuid), "message": str(answer.uuid), "model": run.model}
        self.append(run.event("run.queued", **data, **caused_by(device)))
        return run

    @atomic
    def change(self, device: Device | None, **values: Any) -> Conversation:
        """Changes what a person may set, and archiving and pinning; appends an event of it."""
        here = Conversation.lock(self.pk)
        values = {k: clean(v) if isinstance(v, str) else v for k, v in values.items()}
        changed = {name: value for name, value in values.items() if getattr(here, name) != value}
        if changed:
            for name, value in changed.items():
                setattr(here, name, value)
            here.save(update_fields=list(changed))
            for name in {"archived_at", "pinned_at"} & changed.keys():
                changed[name.removesuffix("_at")] = changed.pop(name) is not None
            if "system" in changed:
                log.forget_instructions(self.pk)
            here.append(log.NewEvent("conversation.updated", changed | caused_by(device)))
        return here

    @atomic
    def delete_softly(self, device: Device | None) -> None:
        """Hides the conversation at once and stops its runs; a worker purges it later."""
        here = Conversation.lock(self.pk)
        for run in here.runs.filter(status__in=self.runs.model.OPEN).select_for_update(no_key=True):
            cancelling.cancel(run, here, device)
        here.deleted_at = Now()
        here.save(update_fields=["deleted_at"])
        channels.conversation_gone(self.pk)
        channels.list_changed(here.owner_id)

    @atomic
    def restore(self) -> Conversation:
        """Takes a deletion back. Raises NotFound once it is final."""
        found = Conversation.objects.select_for_update(no_key=True)
        here = found.restorable(self.owner_id).filter(pk=self.pk).first()
        if here is None:
            raise NotFound(gettext("This conversation is gone for good."))
        here.deleted_at = None
        here.save(update_fields=["deleted_at"])
        channels.list_changed(here.owner_id)
        return here


def named(owner: User, client_key: str, keys: UUID = NAMESPACE_OID) -> UUID:
    """Returns the UUID of the conversation that a key begins."""
    return uuid.uuid5(keys, f"{owner.pk} {client_key}")
