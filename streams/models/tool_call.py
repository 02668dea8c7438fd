from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext, gettext_lazy

from streams import log, quotas
from streams.exceptions import AlreadyDecided, Invalid, TooLarge
from streams.postgres import channels
from streams.postgres.database import atomic
from streams.text_cleaning import clean

from .conversation import Conversation
from .run import Run

if TYPE_CHECKING:
    from .device import Device

NOTE_LENGTH = 2000


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    def owned_by(self, user: Any) -> ToolCallQuerySet:
        """Finds calls of a person, given as a user or by key, without those of deleted
        conversations.
        """
        owner = getattr(user, "pk", user)
        here = {"run__conversation__owner_id": owner, "run__conversation__deleted_at": None}
        return self.filter(**here)

    def open(self) -> ToolCallQuerySet:
        """Returns calls without a result."""
        return self.filter(ended_at__isnull=True)


class ToolCall(models.Model):
    """One call of a tool: the ledger of effects.

    `streams.log` writes each change with the event that says so. `call_id` tells a run's calls
    apart; it is the vendor's own, `vendor_id`, unless that came before in this run. `key` is what
    the tool is told as its idempotency key: the same on every attempt, and that of the call which a
    person lets run again. A `client` call is one that the client runs itself.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting for a decision")
        APPROVED = "approved", gettext_lazy("About to run")
        RUNNING = "running", gettext_lazy("Running")
        OK = "ok", gettext_lazy("Done")
        ERROR = "error", gettext_lazy("Failed")
        DENIED = "denied", gettext_lazy("Denied")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        UNKNOWN = "unknown", gettext_lazy("Not known whether it was done")

    class Decision(models.TextChoices):
        APPROVED = "approved", gettext_lazy("Approved")
        DENIED = "denied", gettext_lazy("Denied")
        ANSWERED = "answered", gettext_lazy("Answered by the client")

    class Repeat(models.TextChoices):
        NEVER = "never", gettext_lazy("Never")
        SAFE = "safe", gettext_lazy("Safe")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="calls", db_index=False)
    step = models.PositiveIntegerField()
    block = models.PositiveIntegerField()
    call_id = models.CharField(max_length=200)
    vendor_id = models.TextField()  # there are services that put a signature into it
    name = models.CharField(max_length=128)
    arguments = models.TextField()
    key = models.UUIDField()
    repeat = models.CharField(max_length=5, choices=Repeat.choices, default=Repeat.NEVER)
    client = models.BooleanField(default=False)
    status = models.CharField(max_length=9, choices=Status.choices)
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True, db_default="")
    device = models.JSONField(null=True, blank=True)
    note = models.TextField(blank=True, db_default="")
    result = models.TextField(blank=True, db_default="")
    ms = models.PositiveIntegerField(null=True, blank=True)  # how long it took
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("tool call")
        verbose_name_plural = gettext_lazy("tool calls")
        ordering = ("run", "block")
        constraints = [
            models.UniqueConstraint(fields=["run", "block"], name="one_call_a_block"),
            models.UniqueConstraint(fields=["run", "call_id"], name="one_call_an_id"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.uuid}"

    @atomic
    def decide(
        self, decision: str, device: Device | None, note: str = "", result: str = ""
    ) -> ToolCall:
        """Records a person's decision, or with `answered` the result of a client that ran it. The
        first one counts; the same once more changes nothing. Returns the call as it is now.

        Raises Invalid for a decision that this call does not take, TooLarge, and AlreadyDecided
        where another one came first, the call has ended, or its run was asked to stop, and
        TooManyRuns where that would go on without a person's yes.
        """
        note, result = clean(note), clean(result)
        if len(note) > NOTE_LENGTH:
            told = gettext("The note is too long: at most %(most)s characters.")
            raise TooLarge(told % {"most": f"{NOTE_LENGTH:,}"}, field="note")
        quotas.check_text("content", result)
        quotas.lock_owner(self.run.conversation.owner_id)
        conversation = Conversation.lock(self.run.conversation_id)
        run = Run.objects.select_for_update(no_key=True).get(pk=self.run_id)
        call = ToolCall.objects.select_for_update(no_key=True).get(pk=self.pk)
        call.run = run
        if call.decision == decision:
            return call
        if call.status != self.Status.WAITING or run.cancel_requested_at:
            raise AlreadyDecided(call.standing)
        if decision not in (self.Decision.DENIED, call.accepts):
            raise Invalid(f"decision is {call.accepts} or denied here.", field="decision")
        if call.client and run.status == Run.Status.WAITING and conversation.undecided == 1:
            quotas.check_going_on(conversation)
        call._record(decision, device, note, result)
        conversation.undecided -= 1
        conversation.save(update_fields=["undecided"])
        conversation.append(call.decided(), *run._go_on(conversation))
        channels.decided(run.pk)
        return call

    @property
    def accepts(self) -> str:
        """Returns the decision that lets it go on: a client runs its tools itself."""
        return self.Decision.ANSWERED if self.client else self.Decision.APPROVED

    @property
    def standing(self) -> str:
        """Says what became of a call that cannot be decided any more."""
        if not self.decision:
            return gettext("This call has ended.")
        words = {
            self.Decision.APPROVED: gettext("This was approved already."),
            self.Decision.DENIED: gettext("This was denied already."),
            self.Decision.ANSWERED: gettext("This was answered already."),
        }
        return words[self.Decision(self.decision)]

    def _record(self, decision: str, device: Device | None, note: str, result: str) -> None:
        denied = decision == self.Decision.DENIED
        self.status = self.Status.DENIED if denied else self.Status.APPROVED
        self.decision, self.note, self.result = decision, note, result
        self.device = device.mark if device else None
        self.save(update_fields=["status", "decision", "note", "result", "device"])

    def decided(self) -> log.NewEvent:
        """Makes the event that announces its decision."""
        said = {"device": self.device} if self.device else {}
        said |= {"note": self.note} if self.note else {}
        return self.run.event("tool.decided", call_id=self.call_id, decision=self.decision, **said)

    def end_unrun(self) -> log.NewEvent:
        """Ends a call that no worker holds; returns the event, to be appended by the caller."""
        self.status, self.result = log.unrun(self.started_at is not None)
        self.ended_at = Now()
        self.save(update_fields=["status", "result", "ended_at"])
        known = {"call_id": self.call_id, "status": self.status, "result": self.result}
        return self.run.event("tool.ended", **known)
