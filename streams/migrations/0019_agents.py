"""Runs that are loops of steps: what they did, what they called, and who decided."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# A conversation takes all that hangs on it along, as before, and now also steps and calls.
TAKE_ALONG = """
CREATE OR REPLACE FUNCTION streams_conversation_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM streams_fault WHERE conversation_id = OLD.id;
    DELETE FROM streams_devicesession WHERE conversation_id = OLD.id;
    DELETE FROM streams_pairing WHERE conversation_id = OLD.id;
    DELETE FROM streams_toolcall WHERE run_id IN (
        SELECT id FROM streams_run WHERE conversation_id = OLD.id);
    DELETE FROM streams_step WHERE run_id IN (
        SELECT id FROM streams_run WHERE conversation_id = OLD.id);
    DELETE FROM streams_run WHERE conversation_id = OLD.id;
    DELETE FROM streams_message WHERE conversation_id = OLD.id;
    DELETE FROM streams_event WHERE conversation_id = OLD.id;
    IF OLD.deleted_at IS NULL THEN
        PERFORM pg_notify('streams_access', 'conversation ' || OLD.id);
        PERFORM pg_notify('streams_feed', OLD.owner_id::text);
    END IF;
    RETURN NULL;
END $$;
"""
AS_BEFORE = """
CREATE OR REPLACE FUNCTION streams_conversation_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM streams_fault WHERE conversation_id = OLD.id;
    DELETE FROM streams_devicesession WHERE conversation_id = OLD.id;
    DELETE FROM streams_pairing WHERE conversation_id = OLD.id;
    DELETE FROM streams_run WHERE conversation_id = OLD.id;
    DELETE FROM streams_message WHERE conversation_id = OLD.id;
    DELETE FROM streams_event WHERE conversation_id = OLD.id;
    IF OLD.deleted_at IS NULL THEN
        PERFORM pg_notify('streams_access', 'conversation ' || OLD.id);
        PERFORM pg_notify('streams_feed', OLD.owner_id::text);
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0018_message_parent"),
    ]

    operations = [
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("stop_reason", models.CharField(max_length=32)),
                ("usage", models.JSONField(default=dict)),
                ("provider", models.CharField(blank=True, max_length=40)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("replay", models.JSONField(default=list)),
                ("from_block", models.PositiveIntegerField()),
                (
                    "ended_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ("run", "number"),
            },
        ),
        migrations.CreateModel(
            name="ToolCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("step", models.PositiveIntegerField()),
                ("block", models.PositiveIntegerField()),
                ("call_id", models.CharField(max_length=200)),
                ("vendor_id", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=128)),
                ("arguments", models.TextField()),
                ("key", models.UUIDField()),
                (
                    "repeat",
                    models.CharField(
                        choices=[("never", "Never"), ("safe", "Safe")],
                        default="never",
                        max_length=5,
                    ),
                ),
                ("client", models.BooleanField(default=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for a decision"),
                            ("approved", "About to run"),
                            ("running", "Running"),
                            ("ok", "Done"),
                            ("error", "Failed"),
                            ("denied", "Denied"),
                            ("cancelled", "Cancelled"),
                            ("unknown", "Not known whether it was done"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("approved", "Approved"),
                            ("denied", "Denied"),
                            ("answered", "Answered by the client"),
                        ],
                        db_default="",
                        max_length=8,
                    ),
                ),
                ("device", models.JSONField(blank=True, null=True)),
                ("note", models.TextField(blank=True, db_default="")),
                ("result", models.TextField(blank=True, db_default="")),
                ("ms", models.PositiveIntegerField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("run", "block"),
            },
        ),
        migrations.RemoveConstraint(
            model_name="run",
            name="one_running_run",
        ),
        migrations.AddField(
            model_name="conversation",
            name="undecided",
            field=models.PositiveIntegerField(db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name="run",
            name="at_block",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="compacted_steps",
            field=models.PositiveIntegerField(db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name="run",
            name="from_block",
            field=models.PositiveIntegerField(db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name="run",
            name="into",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="steered",
                to="streams.run",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="steers",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name="run",
            name="step",
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="run",
            name="step_seq",
            field=models.BigIntegerField(db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name="run",
            name="steps",
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="run",
            name="upstream",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name="run",
            name="waiting_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="worked",
            field=models.FloatField(db_default=0.0),
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
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="type",
            field=models.CharField(
                choices=[
                    ("message.created", "Message Created"),
                    ("run.queued", "Run Queued"),
                    ("run.started", "Run Started"),
                    ("run.waiting", "Run Waiting"),
                    ("run.steered", "Run Steered"),
                    ("step.started", "Step Started"),
                    ("step.ended", "Step Ended"),
                    ("block.started", "Block Started"),
                    ("block.delta", "Block Delta"),
                    ("block.ended", "Block Ended"),
                    ("tool.waiting", "Tool Waiting"),
                    ("tool.decided", "Tool Decided"),
                    ("tool.started", "Tool Started"),
                    ("tool.progress", "Tool Progress"),
                    ("tool.ended", "Tool Ended"),
                    ("run.cancel_requested", "Cancel Requested"),
                    ("run.completed", "Run Completed"),
                    ("run.failed", "Run Failed"),
                    ("run.cancelled", "Run Cancelled"),
                    ("conversation.updated", "Conversation Updated"),
                ],
                max_length=32,
            ),
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
            ),
        ),
        migrations.AddField(
            model_name="step",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="ended_steps",
                to="streams.run",
            ),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="calls",
                to="streams.run",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="repeats",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="repeated_by",
                to="streams.toolcall",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("into__isnull", False)), fields=["into"], name="runs_steered"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("repeats__isnull", False)),
                fields=["repeats"],
                name="runs_repeating",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["running", "waiting"])),
                fields=("conversation",),
                name="one_running_run",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(fields=("run", "number"), name="one_step_a_number"),
        ),
        migrations.AddConstraint(
            model_name="toolcall",
            constraint=models.UniqueConstraint(fields=("run", "block"), name="one_call_a_block"),
        ),
        migrations.AddConstraint(
            model_name="toolcall",
            constraint=models.UniqueConstraint(fields=("run", "call_id"), name="one_call_an_id"),
        ),
        migrations.RunSQL(TAKE_ALONG, AS_BEFORE),
    ]
