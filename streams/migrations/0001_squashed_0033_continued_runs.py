"""All tables of the first release at once, for a new database.

A database that has made some of the migrations which this replaces makes the rest of them: they
stay beside it for that.
"""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import streams.models.device
import streams.models.share

# A conversation's row is rewritten by every append: room on its page keeps that update
# away from the indexes (HOT). The log only grows at its end, and is vacuumed by inserts.
TUNE = """
ALTER TABLE streams_conversation SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE streams_run SET (fillfactor = 80);
ALTER TABLE streams_event SET (autovacuum_vacuum_insert_scale_factor = 0.05,
                               autovacuum_vacuum_scale_factor = 0.02);
"""
UNTUNE = """
ALTER TABLE streams_conversation RESET (fillfactor, autovacuum_vacuum_scale_factor);
ALTER TABLE streams_run RESET (fillfactor);
ALTER TABLE streams_event RESET (autovacuum_vacuum_insert_scale_factor,
                                 autovacuum_vacuum_scale_factor);
"""

# A page of a client's past is bounded in bytes as stored, and ten thousand times the same
# letter would be stored in next to nothing. What is long is stored as it is, beside its row.
PLAIN = "ALTER TABLE streams_event ALTER COLUMN data SET STORAGE EXTERNAL"
PACKED = "ALTER TABLE streams_event ALTER COLUMN data SET STORAGE EXTENDED"

# Events have no foreign key, whose check would cost more than their insert; so the conversation
# takes them along, and all else that hangs on it, whoever deletes it and by what statement.
# Runs before events, as folding locks them. Who follows it hears that it has gone.
TAKE_ALONG = """
CREATE FUNCTION streams_conversation_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER streams_conversation_deleted AFTER DELETE ON streams_conversation
   FOR EACH ROW EXECUTE FUNCTION streams_conversation_deleted();
"""
LEAVE = """
DROP TRIGGER streams_conversation_deleted ON streams_conversation;
DROP FUNCTION streams_conversation_deleted();
"""

# Streams of a device that is deleted end at once, as those of one that is revoked.
TELL = """
CREATE FUNCTION streams_device_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('streams_access', 'devices ' || OLD.id);
    RETURN NULL;
END $$;
CREATE TRIGGER streams_device_deleted AFTER DELETE ON streams_device
   FOR EACH ROW EXECUTE FUNCTION streams_device_deleted();
"""
BE_SILENT = """
DROP TRIGGER streams_device_deleted ON streams_device;
DROP FUNCTION streams_device_deleted();
"""

# As it is now: nobody who reads need begin anew.
FIRST = """
INSERT INTO streams_epoch (id, mark, events)
VALUES (1, '', 'streams_event'::regclass::oid::bigint)
"""

# It goes with its message, which goes with its conversation by a trigger of that table.
SEARCH_GOES_ALONG = """
ALTER TABLE streams_searchentry ADD CONSTRAINT streams_searchentry_message
  FOREIGN KEY (message_id) REFERENCES streams_message (id) ON DELETE CASCADE
"""
SEARCH_STAYS = "ALTER TABLE streams_searchentry DROP CONSTRAINT streams_searchentry_message"

# For titles with a slip in them, where it may be had: who owns the database may have it.
SIMILAR = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'search goes without pg_trgm: %', SQLERRM;
END $$
"""

# Whoever deletes an attachment, and by what statement: its file is to be deleted from then on.
DISCARD = """
CREATE FUNCTION streams_attachment_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO streams_discardedfile (place, due_at) VALUES (OLD.place, statement_timestamp())
    ON CONFLICT (place) DO UPDATE SET due_at = EXCLUDED.due_at;
    RETURN NULL;
END $$;
CREATE TRIGGER streams_attachment_deleted AFTER DELETE ON streams_attachment
   FOR EACH ROW EXECUTE FUNCTION streams_attachment_deleted();
"""
KEEP = """
DROP TRIGGER streams_attachment_deleted ON streams_attachment;
DROP FUNCTION streams_attachment_deleted();
"""

# An attachment goes with its conversation, however that is deleted.
FILES_GO_ALONG = """
ALTER TABLE streams_attachment ADD CONSTRAINT streams_attachment_conversation
  FOREIGN KEY (conversation_id) REFERENCES streams_conversation (id) ON DELETE CASCADE;
ALTER TABLE streams_attachment ADD CONSTRAINT streams_attachment_message
  FOREIGN KEY (message_id) REFERENCES streams_message (id) ON DELETE SET NULL
"""
FILES_STAY = """
ALTER TABLE streams_attachment DROP CONSTRAINT streams_attachment_conversation;
ALTER TABLE streams_attachment DROP CONSTRAINT streams_attachment_message
"""


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("streams", "0001_initial"),
        ("streams", "0002_storage"),
        ("streams", "0003_retention"),
        ("streams", "0004_attempts"),
        ("streams", "0005_pairing"),
        ("streams", "0006_sign_outs"),
        ("streams", "0007_plain_events"),
        ("streams", "0008_siblings"),
        ("streams", "0009_deaths"),
        ("streams", "0010_faults"),
        ("streams", "0011_taken_along"),
        ("streams", "0012_device_gone"),
        ("streams", "0013_vendor_error"),
        ("streams", "0014_epoch"),
        ("streams", "0015_reverse_names"),
        ("streams", "0016_deliveries"),
        ("streams", "0001_squashed_0016_deliveries"),
        ("streams", "0017_access_tokens"),
        ("streams", "0018_message_parent"),
        ("streams", "0019_agents"),
        ("streams", "0020_pinned"),
        ("streams", "0021_search"),
        ("streams", "0022_asked_by_programs"),
        ("streams", "0023_telling"),
        ("streams", "0024_push"),
        ("streams", "0025_vendor_ids_of_any_length"),
        ("streams", "0026_shares"),
        ("streams", "0027_left_upstream"),
        ("streams", "0028_branching"),
        ("streams", "0029_attachments"),
        ("streams", "0030_admin_lists"),
        ("streams", "0031_usage"),
        ("streams", "0032_waiting_lists"),
        ("streams", "0033_continued_runs"),
    ]
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Attempts",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("until", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                (
                    "owner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="streams_budget",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("tokens", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "dollars",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DiscardedFile",
            fields=[
                ("place", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Epoch",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("mark", models.CharField(default="", max_length=32)),
                ("events", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("seq", models.BigIntegerField()),
                (
                    "role",
                    models.CharField(
                        choices=[("user", "User"), ("assistant", "Assistant")], max_length=9
                    ),
                ),
                ("blocks", models.JSONField(default=list)),
                ("client_key", models.CharField(blank=True, max_length=64, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("parent_seq", models.BigIntegerField(blank=True, editable=False, null=True)),
            ],
            options={
                "ordering": ("seq",),
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("process", models.CharField(db_default="", editable=False, max_length=120)),
                ("concurrency", models.PositiveIntegerField()),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "beat_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("draining", models.BooleanField(default=False)),
                ("stopped_at", models.DateTimeField(blank=True, null=True)),
                ("lost", models.BooleanField(db_default=False)),
            ],
            options={
                "ordering": ("-beat_at",),
            },
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("title", models.CharField(blank=True, max_length=120)),
                ("model", models.CharField(max_length=120)),
                ("system", models.TextField(blank=True)),
                (
                    "on_busy",
                    models.CharField(
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
                ("last_seq", models.BigIntegerField(default=0, editable=False)),
                ("lease_token", models.BigIntegerField(default=0, editable=False)),
                ("active_run_id", models.BigIntegerField(editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                ("undecided", models.PositiveIntegerField(db_default=0, editable=False)),
                ("pinned_at", models.DateTimeField(blank=True, null=True)),
                ("metadata", models.JSONField(blank=True, editable=False, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_conversations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run_id", models.BigIntegerField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("attempts", models.PositiveIntegerField(db_default=0)),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("status", models.CharField(db_default="", max_length=9)),
                (
                    "done",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), db_default=[], size=None
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "indexes": [models.Index(fields=["due_at"], name="deliveries_due")],
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "key",
                    models.CharField(
                        default=streams.models.device.new_key,
                        editable=False,
                        max_length=64,
                        unique=True,
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("phone", "Phone"),
                            ("tablet", "Tablet"),
                            ("computer", "Computer"),
                            ("other", "Other"),
                            ("api", "Api"),
                        ],
                        default="other",
                        max_length=8,
                    ),
                ),
                ("user_agent", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sign_outs", models.PositiveIntegerField(default=0, editable=False)),
                ("signed_out_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("read_only", models.BooleanField(db_default=False, default=False)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-last_seen_at",),
            },
        ),
        migrations.CreateModel(
            name="DeviceSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("read_seq", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="device_sessions",
                        to="streams.conversation",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="streams.device",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conversation_id",
                        "seq",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("conversation_id", models.BigIntegerField()),
                ("seq", models.BigIntegerField()),
                ("run_id", models.BigIntegerField(null=True)),
                (
                    "type",
                    models.CharField(
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
                ("data", models.JSONField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("type__in", ["run.completed", "run.failed", "run.cancelled"])
                        ),
                        fields=("conversation_id", "run_id"),
                        name="one_terminal_event",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Fault",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("answer", "starting or ending an answer"),
                            ("compaction", "folding ended answers"),
                            ("purge", "deleting it for good"),
                            ("title", "naming it"),
                        ],
                        max_length=10,
                    ),
                ),
                ("error", models.CharField(max_length=300)),
                ("times", models.PositiveIntegerField(default=1)),
                (
                    "since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "last_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "retry_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="faults",
                        to="streams.conversation",
                    ),
                ),
            ],
            options={
                "ordering": ("-last_at",),
            },
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="streams.message",
                    ),
                ),
                ("words", django.contrib.postgres.search.SearchVectorField()),
            ],
            options={
                "verbose_name_plural": "search entries",
            },
        ),
        migrations.AddField(
            model_name="message",
            name="conversation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="streams.conversation",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="device",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="streams.device",
            ),
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("type", models.CharField(max_length=40)),
                ("size", models.PositiveBigIntegerField()),
                ("width", models.PositiveIntegerField(blank=True, null=True)),
                ("height", models.PositiveIntegerField(blank=True, null=True)),
                ("sha256", models.CharField(max_length=64)),
                ("place", models.CharField(editable=False, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_attachments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="streams.conversation",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="attachments",
                        to="streams.message",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Pairing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("token_digest", models.CharField(max_length=64, unique=True)),
                ("code_half", models.CharField(max_length=4, unique=True)),
                ("code_digest", models.CharField(max_length=64)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pairings",
                        to="streams.conversation",
                    ),
                ),
                (
                    "joined",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="streams.device",
                    ),
                ),
                (
                    "opener",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pairings",
                        to="streams.device",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PushSubscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("endpoint", models.CharField(max_length=1000, unique=True)),
                ("p256dh", models.CharField(max_length=90)),
                ("auth", models.CharField(max_length=30)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="push_subscriptions",
                        to="streams.device",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("model", models.CharField(max_length=120)),
                (
                    "status",
                    models.CharField(
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
                ("rank", models.BigIntegerField(default=0)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("deaths", models.PositiveIntegerField(db_default=0)),
                (
                    "queued_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("first_token_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("folded_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("usage", models.JSONField(blank=True, default=dict)),
                ("stop_reason", models.CharField(blank=True, max_length=32)),
                ("error_code", models.CharField(blank=True, max_length=32)),
                ("error_message", models.CharField(blank=True, max_length=300)),
                ("vendor_error", models.CharField(blank=True, db_default="", max_length=200)),
                ("retryable", models.BooleanField(default=False)),
                ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_by", models.JSONField(blank=True, null=True)),
                ("at_block", models.PositiveIntegerField(blank=True, null=True)),
                ("compacted_steps", models.PositiveIntegerField(db_default=0, editable=False)),
                ("from_block", models.PositiveIntegerField(db_default=0, editable=False)),
                ("steers", models.BooleanField(db_default=False)),
                ("step", models.PositiveIntegerField(db_default=0)),
                ("step_seq", models.BigIntegerField(db_default=0, editable=False)),
                ("steps", models.PositiveIntegerField(db_default=0)),
                (
                    "upstream",
                    models.CharField(blank=True, db_default="", editable=False, max_length=200),
                ),
                ("waiting_since", models.DateTimeField(blank=True, null=True)),
                ("worked", models.FloatField(db_default=0.0)),
                ("asked", models.JSONField(blank=True, editable=False, null=True)),
                (
                    "answer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="run",
                        to="streams.message",
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="streams.conversation",
                    ),
                ),
                (
                    "into",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="steered",
                        to="streams.run",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="streams.message",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Share",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "token",
                    models.CharField(
                        default=streams.models.share.new_token,
                        editable=False,
                        max_length=22,
                        unique=True,
                    ),
                ),
                ("title", models.CharField(max_length=120)),
                ("messages", models.JSONField(editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="streams.conversation",
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
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
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ended_steps",
                        to="streams.run",
                    ),
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
                ("vendor_id", models.TextField()),
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
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calls",
                        to="streams.run",
                    ),
                ),
            ],
            options={
                "ordering": ("run", "block"),
            },
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
        migrations.CreateModel(
            name="Usage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField()),
                ("model", models.CharField(max_length=120)),
                ("answers", models.PositiveIntegerField(db_default=1)),
                ("input_tokens", models.BigIntegerField(db_default=0)),
                ("output_tokens", models.BigIntegerField(db_default=0)),
                ("cached_tokens", models.BigIntegerField(db_default=0)),
                ("merged", models.BooleanField(db_default=False)),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_usage",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "usage",
            },
        ),
        migrations.AddField(
            model_name="run",
            name="worker",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="runs",
                to="streams.worker",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                fields=["owner", "-updated_at", "-id"], name="conversations_of_owner"
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["deleted_at"],
                name="conversations_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("pinned_at__isnull", False)),
                fields=["owner", "-updated_at", "-id"],
                name="conversations_pinned",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("undecided__gt", 0)),
                fields=["owner", "-updated_at", "-id"],
                name="conversations_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("archived_at__isnull", False)),
                fields=["owner", "-updated_at", "-id"],
                name="conversations_archived",
            ),
        ),
        migrations.AddConstraint(
            model_name="devicesession",
            constraint=models.UniqueConstraint(
                fields=("conversation", "device"), name="one_device_session"
            ),
        ),
        migrations.AddConstraint(
            model_name="fault",
            constraint=models.UniqueConstraint(
                fields=("conversation", "act"), name="one_fault_an_act"
            ),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=django.contrib.postgres.indexes.GinIndex(fields=["words"], name="search_words"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("parent_seq__isnull", False)),
                fields=["conversation", "seq"],
                name="messages_branching",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("conversation", "seq"), name="message_seq"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(("client_key__isnull", False)),
                fields=("conversation", "client_key"),
                name="message_client_key",
            ),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(
                condition=models.Q(("conversation__isnull", True)),
                fields=["created_at"],
                name="attachments_unsent",
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
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(fields=["owner", "month"], name="usage_of_owner"),
        ),
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(
                condition=models.Q(("merged", False)), fields=["id"], name="usage_unmerged"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["conversation", "id"], name="runs_of_conversation"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status", "queued")), fields=["rank", "id"], name="runs_queued"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status", "running")), fields=["worker"], name="runs_running"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False), ("folded_at__isnull", True)),
                fields=["ended_at"],
                name="runs_unfolded",
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
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status__in", ["cancelled", "failed"]), ("upstream__gt", "")),
                fields=["ended_at"],
                name="runs_left_upstream",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["model", "id"], name="runs_of_model"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status__in", ["failed", "cancelled", "steered"])),
                fields=["status", "id"],
                name="runs_without_answer",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status", "failed")),
                fields=["error_code", "id"],
                name="runs_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["queued_at"], name="runs_by_day"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=django.contrib.postgres.indexes.GinIndex(
                django.db.models.fields.json.KeyTransform("continued", "asked"),
                condition=models.Q(("asked__has_key", "continued")),
                fastupdate=False,
                name="runs_continued",
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
        migrations.RunSQL(TUNE, UNTUNE),
        migrations.RunSQL(PLAIN, PACKED),
        migrations.RunSQL(TAKE_ALONG, LEAVE),
        migrations.RunSQL(TELL, BE_SILENT),
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
        migrations.RunSQL(SEARCH_GOES_ALONG, SEARCH_STAYS),
        migrations.RunSQL(SIMILAR, migrations.RunSQL.noop),
        migrations.RunSQL(DISCARD, KEEP),
        migrations.RunSQL(FILES_GO_ALONG, FILES_STAY),
    ]
