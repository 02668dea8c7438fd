from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models import Case, Count, Exists, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext, gettext_lazy

from streams import log, quotas
from streams.exceptions import NotRetryable
from streams.postgres import clock
from streams.postgres.database import atomic

from . import cancelling
from .conversation import Conversation
from .message import Message
from .run_indexes import INDEXES
from .run_timings import RunTimings
from .worker import Worker

if TYPE_CHECKING:
    from .device import Device


# Nothing else of its conversation starts before it: it has begun, and has not ended.
HOLDS_TURN = Q(status="running") | Q(status="waiting") | Q(status="queued", attempt__gt=0)


class RunQuerySet(models.QuerySet["Run"]):
    def owned_by(self, user: Any) -> RunQuerySet:
        """Finds runs of a person, given as a user or by key, without those of deleted
        conversations.
        """
        owner = getattr(user, "pk", user)
        return self.filter(conversation__owner_id=owner, conversation__deleted_at__isnull=True)

    def under_way(self) -> RunQuerySet:
        """Those that have begun, and have not ended."""
        return self.filter(HOLDS_TURN)

    def with_ahead(self) -> RunQuerySet:
        """Adds `ahead`: how many answers of the conversation will be claimed before this one."""
        here, rank, pk = OuterRef("conversation"), OuterRef("rank"), OuterRef("pk")
        waiting = Q(status="queued", attempt=0) & (Q(rank__lt=rank) | Q(rank=rank, pk__lt=pk))
        first = Run.objects.filter(HOLDS_TURN | waiting, ~Q(pk=pk), conversation=here)
        count = first.order_by().values("conversation").values(count=Count("pk"))
        ahead = Case(When(status="queued", then=Coalesce(Subquery(count), 0)), default=0)
        return self.annotate(ahead=ahead)

    def with_attendance(self) -> RunQuerySet:
        """Adds `attended`: who looks after an open run; null once it has ended.

        `alive`: the worker that writes it, or one that may claim it, is alive. `lost`: its worker
        is silent or gone and another will take over. `none`: no worker is there to claim it.
        """
        alive = Worker.objects.alive()
        mine, any_one = Exists(alive.filter(pk=OuterRef("worker"))), Exists(alive)
        seen = Case(
            When(Q(mine, status="running") | Q(any_one, status="queued"), then=Value("alive")),
            When(status="running", then=Value("lost")),
            When(status="queued", then=Value("none")),
        )
        return self.annotate(attended=seen)


class Run(RunTimings, models.Model):
    """One answer being generated: queued → running → completed, failed or cancelled.

    A run with tools is a loop of steps, and waits for people in between: running → waiting →
    queued. Its prompt may join a running one instead, which is steered `into` it. `step` is the
    number of the step that began last, `steps` of the one that ended last, at event `step_seq`;
    `from_block` is how many blocks the answer had by then. `worked` are the seconds it ran before
    it was handed back, or waited, the last time.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Queued")
        RUNNING = "running", gettext_lazy("Running")
        WAITING = "waiting", gettext_lazy("Waiting for a decision")
        COMPLETED = "completed", gettext_lazy("Completed")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        STEERED = "steered", gettext_lazy("Part of another answer")

    OPEN = (Status.QUEUED, Status.RUNNING, Status.WAITING)

    uuid = models.UUIDField(gettext_lazy("UUID"), default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        related_name="runs",
        db_index=False,
        verbose_name=gettext_lazy("conversation"),
    )
    prompt = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="runs")
    answer = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="run")
    model = models.CharField(max_length=120)
    status = models.CharField(
        gettext_lazy("status"), max_length=9, choices=Status.choices, default=Status.QUEUED
    )
    rank = models.BigIntegerField(gettext_lazy("rank"), default=0)
    attempt = models.PositiveIntegerField(gettext_lazy("attempt"), default=0)  # starts
    deaths = models.PositiveIntegerField(gettext_lazy("workers lost"), db_default=0)
    worker = models.ForeignKey(
        Worker,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="runs",
        verbose_name=gettext_lazy("worker"),
    )
    queued_at = models.DateTimeField(gettext_lazy("queued at"), db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    first_token_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    folded_at = models.DateTimeField(null=True, blank=True, editable=False)
    waiting_since = models.DateTimeField(null=True, blank=True)
    worked = models.FloatField(db_default=0.0)
    step = models.PositiveIntegerField(db_default=0)
    steps = models.PositiveIntegerField(db_default=0)
    step_seq = models.BigIntegerField(db_default=0, editable=False)
    from_block = models.PositiveIntegerField(db_default=0, editable=False)
    compacted_steps = models.PositiveIntegerField(db_default=0, editable=False)
    upstream = models.CharField(max_length=200, blank=True, db_default="", editable=False)
    steers = models.BooleanField(db_default=False)
    into = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="steered",
        db_index=False,
    )
    at_block = models.PositiveIntegerField(null=True, blank=True)
    repeats = models.ForeignKey(
        "ToolCall",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="repeated_by",
        db_index=False,
    )
    usage = models.JSONField(gettext_lazy("usage"), default=dict, blank=True)
    stop_reason = models.CharField(gettext_lazy("stop reason"), max_length=32, blank=True)
    error_code = models.CharField(gettext_lazy("error code"), max_length=32, blank=True)
    error_message = models.CharField(gettext_lazy("error message"), max_length=300, blank=True)
    vendor_error = models.CharField(
        gettext_lazy("vendor error"), max_length=200, blank=True, db_default=""
    )
    retryable = models.BooleanField(gettext_lazy("retryable"), default=False)
    cancel_requested_at = models.DateTimeField(
        gettext_lazy("cancel requested at"), null=True, blank=True
    )
    cancelled_by = models.JSONField(gettext_lazy("cancelled by"), null=True, blank=True)
    asked = models.JSONField(null=True, blank=True, editable=False)  # streams.dialects says what

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("run")
        verbose_name_plural = gettext_lazy("runs")
        ordering = ("-id",)
        constraints = [
            # The claim's last guard: SKIP LOCKED on runs alone has let two through.
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(status__in=["running", "waiting"]),
                name="one_running_run",
            ),
        ]
        indexes = INDEXES

    def __str__(self) -> str:
        return str(self.uuid)

    def event(self, type: str, **data: Any) -> log.NewEvent:
        return log.NewEvent(type, {"run": str(self.uuid), **data}, run_id=self.pk)

    @atomic
    def cancel(self, device: Device | None) -> Run:
        """Stops this run wherever it is. A second call, or one after its end, changes nothing."""
        conversation = Conversation.lock(self.conversation_id)
        run: Run = clock.dated(Run.objects.select_for_update(no_key=True)).get(pk=self.pk)
        cancelling.cancel(run, conversation, device)
        return run

    def _go_on(self, conversation: Conversation) -> list[log.NewEvent]:
        """Queues a run that waits for nothing any more; returns the events of it."""
        if self.status != self.Status.WAITING or conversation.undecided:
            return []
        self.status = self.Status.QUEUED
        self.save(update_fields=["status"])
        return [self.event("run.queued", attempt=self.attempt)]

    @atomic
    def retry(
        self, device: Device | None, model: str | None = None, run_id: UUID | None = None
    ) -> Run:
        """Starts a new run for the same prompt, by `model` or the conversation's own. `run_id` is
        the id of the new one.

        Raises NotRetryable while this run is open or if it was taken back before it began, and what
        `quotas` raises.
        """
        quotas.lock_owner(self.conversation.owner_id)
        conversation = Conversation.lock(self.conversation_id)
        run = Run.objects.select_related("prompt").get(pk=self.pk)
        if run.status in (*self.OPEN, self.Status.STEERED) or run.removed:
            raise NotRetryable(gettext("Only an answer that has ended can be tried again."))
        newest = conversation.runs.filter(prompt=run.prompt).latest("pk")
        if newest.status in self.OPEN:
            return newest  # a double click
        quotas.check_length(conversation, 1)
        chosen = {"model": model or conversation.model, "uuid": run_id or uuid.uuid4()}
        return conversation._answer_again(run.prompt, device, **chosen)

    @property
    def removed(self) -> bool:
        """Tells whether it was cancelled before it began: no page and no context has it."""
        return self.status == self.Status.CANCELLED and self.attempt == 0
