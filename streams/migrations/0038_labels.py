import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class StateOnly(migrations.SeparateDatabaseAndState):
    """Changes names alone, of which a database knows nothing. Models are rendered once afterwards
    and not after each of 95 changes, which took as long as all other migrations together.
    """

    def state_forwards(self, app_label, state):
        state.__dict__.pop("apps", None)
        super().state_forwards(app_label, state)


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0037_handed_back"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        StateOnly(
            state_operations=[
                migrations.AlterModelOptions(
                    name="attachment",
                    options={"verbose_name": "attachment", "verbose_name_plural": "attachments"},
                ),
                migrations.AlterModelOptions(
                    name="attempts",
                    options={"verbose_name": "attempts", "verbose_name_plural": "attempts"},
                ),
                migrations.AlterModelOptions(
                    name="budget",
                    options={"verbose_name": "budget", "verbose_name_plural": "budgets"},
                ),
                migrations.AlterModelOptions(
                    name="conversation",
                    options={
                        "verbose_name": "conversation",
                        "verbose_name_plural": "conversations",
                    },
                ),
                migrations.AlterModelOptions(
                    name="delivery",
                    options={"verbose_name": "delivery", "verbose_name_plural": "deliveries"},
                ),
                migrations.AlterModelOptions(
                    name="device",
                    options={
                        "ordering": ("-last_seen_at",),
                        "verbose_name": "device",
                        "verbose_name_plural": "devices",
                    },
                ),
                migrations.AlterModelOptions(
                    name="devicesession",
                    options={
                        "verbose_name": "device session",
                        "verbose_name_plural": "device sessions",
                    },
                ),
                migrations.AlterModelOptions(
                    name="discardedfile",
                    options={
                        "verbose_name": "discarded file",
                        "verbose_name_plural": "discarded files",
                    },
                ),
                migrations.AlterModelOptions(
                    name="epoch",
                    options={"verbose_name": "epoch", "verbose_name_plural": "epochs"},
                ),
                migrations.AlterModelOptions(
                    name="event",
                    options={"verbose_name": "event", "verbose_name_plural": "events"},
                ),
                migrations.AlterModelOptions(
                    name="fault",
                    options={
                        "ordering": ("-last_at",),
                        "verbose_name": "fault",
                        "verbose_name_plural": "faults",
                    },
                ),
                migrations.AlterModelOptions(
                    name="gonewebhook",
                    options={
                        "verbose_name": "gone webhook",
                        "verbose_name_plural": "gone webhooks",
                    },
                ),
                migrations.AlterModelOptions(
                    name="message",
                    options={
                        "ordering": ("seq",),
                        "verbose_name": "message",
                        "verbose_name_plural": "messages",
                    },
                ),
                migrations.AlterModelOptions(
                    name="pairing",
                    options={"verbose_name": "pairing", "verbose_name_plural": "pairings"},
                ),
                migrations.AlterModelOptions(
                    name="pushsubscription",
                    options={
                        "verbose_name": "push subscription",
                        "verbose_name_plural": "push subscriptions",
                    },
                ),
                migrations.AlterModelOptions(
                    name="run",
                    options={
                        "ordering": ("-id",),
                        "verbose_name": "run",
                        "verbose_name_plural": "runs",
                    },
                ),
                migrations.AlterModelOptions(
                    name="searchentry",
                    options={
                        "verbose_name": "search entry",
                        "verbose_name_plural": "search entries",
                    },
                ),
                migrations.AlterModelOptions(
                    name="share",
                    options={
                        "ordering": ("-created_at", "-id"),
                        "verbose_name": "share",
                        "verbose_name_plural": "shares",
                    },
                ),
                migrations.AlterModelOptions(
                    name="step",
                    options={
                        "ordering": ("run", "number"),
                        "verbose_name": "step",
                        "verbose_name_plural": "steps",
                    },
                ),
                migrations.AlterModelOptions(
                    name="toolcall",
                    options={
                        "ordering": ("run", "block"),
                        "verbose_name": "tool call",
                        "verbose_name_plural": "tool calls",
                    },
                ),
                migrations.AlterModelOptions(
                    name="usage",
                    options={"verbose_name": "usage", "verbose_name_plural": "usage"},
                ),
                migrations.AlterModelOptions(
                    name="worker",
                    options={
                        "ordering": ("-beat_at",),
                        "verbose_name": "worker",
                        "verbose_name_plural": "workers",
                    },
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="conversation",
                    field=models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="streams.conversation",
                        verbose_name="conversation",
                    ),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="created_at",
                    field=models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="created at",
                    ),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="height",
                    field=models.PositiveIntegerField(blank=True, null=True, verbose_name="height"),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="message",
                    field=models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="attachments",
                        to="streams.message",
                        verbose_name="message",
                    ),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="name",
                    field=models.CharField(max_length=120, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="owner",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_attachments",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="place",
                    field=models.CharField(editable=False, max_length=200, verbose_name="place"),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="sha256",
                    field=models.CharField(max_length=64, verbose_name="SHA-256"),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="type",
                    field=models.CharField(max_length=40, verbose_name="type"),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="uuid",
                    field=models.UUIDField(
                        default=uuid.uuid4, editable=False, unique=True, verbose_name="UUID"
                    ),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="width",
                    field=models.PositiveIntegerField(blank=True, null=True, verbose_name="width"),
                ),
                migrations.AlterField(
                    model_name="budget",
                    name="dollars",
                    field=models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        verbose_name="dollars",
                    ),
                ),
                migrations.AlterField(
                    model_name="budget",
                    name="owner",
                    field=models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="streams_budget",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                migrations.AlterField(
                    model_name="budget",
                    name="tokens",
                    field=models.PositiveBigIntegerField(
                        blank=True, null=True, verbose_name="tokens"
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="active_run_id",
                    field=models.BigIntegerField(
                        editable=False, null=True, verbose_name="running run"
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="archived_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="archived at"),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="deleted_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="deleted at"),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="last_seq",
                    field=models.BigIntegerField(
                        default=0, editable=False, verbose_name="last event"
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="lease_token",
                    field=models.BigIntegerField(
                        default=0, editable=False, verbose_name="lease token"
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="on_busy",
                    field=models.CharField(
                        choices=[
                            ("queue", "wait for the running answer"),
                            ("interrupt", "stop the running answer"),
                            ("reject", "refuse the new prompt"),
                            ("steer", "join the running answer at its next step"),
                        ],
                        default="queue",
                        max_length=9,
                        verbose_name="a prompt during an answer",
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="owner",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_conversations",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="system",
                    field=models.TextField(blank=True, verbose_name="instructions"),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="title",
                    field=models.CharField(blank=True, max_length=120, verbose_name="title"),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="updated_at",
                    field=models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="updated at"
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="uuid",
                    field=models.UUIDField(
                        default=uuid.uuid4, editable=False, unique=True, verbose_name="UUID"
                    ),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="kind",
                    field=models.CharField(
                        choices=[
                            ("phone", "Phone"),
                            ("tablet", "Tablet"),
                            ("computer", "Computer"),
                            ("other", "Other"),
                            ("api", "Program"),
                        ],
                        default="other",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="last_seen_at",
                    field=models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="last seen at"
                    ),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="name",
                    field=models.CharField(max_length=80, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="revoked_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="revoked at"),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="signed_out_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="signed out at"),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="user",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_devices",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="user_agent",
                    field=models.CharField(blank=True, max_length=300, verbose_name="user agent"),
                ),
                migrations.AlterField(
                    model_name="device",
                    name="uuid",
                    field=models.UUIDField(
                        default=uuid.uuid4, editable=False, unique=True, verbose_name="UUID"
                    ),
                ),
                migrations.AlterField(
                    model_name="devicesession",
                    name="conversation",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="device_sessions",
                        to="streams.conversation",
                        verbose_name="conversation",
                    ),
                ),
                migrations.AlterField(
                    model_name="devicesession",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="devicesession",
                    name="device",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="streams.device",
                        verbose_name="device",
                    ),
                ),
                migrations.AlterField(
                    model_name="devicesession",
                    name="read_seq",
                    field=models.BigIntegerField(default=0, verbose_name="read up to event"),
                ),
                migrations.AlterField(
                    model_name="fault",
                    name="act",
                    field=models.CharField(
                        choices=[
                            ("answer", "starting or ending an answer"),
                            ("compaction", "compacting ended answers"),
                            ("purge", "deleting it for good"),
                            ("title", "naming it"),
                        ],
                        max_length=10,
                        verbose_name="what failed",
                    ),
                ),
                migrations.AlterField(
                    model_name="fault",
                    name="error",
                    field=models.CharField(max_length=300, verbose_name="error"),
                ),
                migrations.AlterField(
                    model_name="fault",
                    name="times",
                    field=models.PositiveIntegerField(default=1, verbose_name="times"),
                ),
                migrations.AlterField(
                    model_name="gonewebhook",
                    name="gone_at",
                    field=models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="gone at"
                    ),
                ),
                migrations.AlterField(
                    model_name="gonewebhook",
                    name="name",
                    field=models.CharField(
                        max_length=200, primary_key=True, serialize=False, verbose_name="name"
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="attempt",
                    field=models.PositiveIntegerField(default=0, verbose_name="attempt"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="cancel_requested_at",
                    field=models.DateTimeField(
                        blank=True, null=True, verbose_name="cancel requested at"
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="cancelled_by",
                    field=models.JSONField(blank=True, null=True, verbose_name="cancelled by"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="conversation",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="streams.conversation",
                        verbose_name="conversation",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="deaths",
                    field=models.PositiveIntegerField(db_default=0, verbose_name="workers lost"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="error_code",
                    field=models.CharField(blank=True, max_length=32, verbose_name="error code"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="error_message",
                    field=models.CharField(
                        blank=True, max_length=300, verbose_name="error message"
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="queued_at",
                    field=models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="queued at",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="rank",
                    field=models.BigIntegerField(default=0, verbose_name="rank"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="retryable",
                    field=models.BooleanField(default=False, verbose_name="retryable"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="status",
                    field=models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("waiting", "Waiting for a decision"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("steered", "Part of another answer"),
                        ],
                        default="queued",
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="stop_reason",
                    field=models.CharField(blank=True, max_length=32, verbose_name="stop reason"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="usage",
                    field=models.JSONField(blank=True, default=dict, verbose_name="usage"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="uuid",
                    field=models.UUIDField(
                        default=uuid.uuid4, editable=False, unique=True, verbose_name="UUID"
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="vendor_error",
                    field=models.CharField(
                        blank=True, db_default="", max_length=200, verbose_name="vendor error"
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="worker",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to="streams.worker",
                        verbose_name="worker",
                    ),
                ),
                migrations.AlterField(
                    model_name="usage",
                    name="answers",
                    field=models.PositiveIntegerField(db_default=1, verbose_name="answers"),
                ),
                migrations.AlterField(
                    model_name="usage",
                    name="cached_tokens",
                    field=models.BigIntegerField(db_default=0, verbose_name="cached tokens"),
                ),
                migrations.AlterField(
                    model_name="usage",
                    name="input_tokens",
                    field=models.BigIntegerField(db_default=0, verbose_name="input tokens"),
                ),
                migrations.AlterField(
                    model_name="usage",
                    name="month",
                    field=models.DateField(verbose_name="month"),
                ),
                migrations.AlterField(
                    model_name="usage",
                    name="output_tokens",
                    field=models.BigIntegerField(db_default=0, verbose_name="output tokens"),
                ),
                migrations.AlterField(
                    model_name="usage",
                    name="owner",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_usage",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                migrations.AlterField(
                    model_name="worker",
                    name="beat_at",
                    field=models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="last heartbeat",
                    ),
                ),
                migrations.AlterField(
                    model_name="worker",
                    name="concurrency",
                    field=models.PositiveIntegerField(verbose_name="concurrency"),
                ),
                migrations.AlterField(
                    model_name="worker",
                    name="draining",
                    field=models.BooleanField(default=False, verbose_name="draining"),
                ),
                migrations.AlterField(
                    model_name="worker",
                    name="name",
                    field=models.CharField(max_length=120, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="worker",
                    name="started_at",
                    field=models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="started at",
                    ),
                ),
                migrations.AlterField(
                    model_name="worker",
                    name="stopped_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="stopped at"),
                ),
                migrations.AlterField(
                    model_name="worker",
                    name="uuid",
                    field=models.UUIDField(
                        default=uuid.uuid4, editable=False, unique=True, verbose_name="UUID"
                    ),
                ),
            ]
        )
    ]
