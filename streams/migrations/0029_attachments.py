"""Attached files, and stored files that nobody has any more."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

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

# With its conversation, however that goes.
GO_ALONG = """
ALTER TABLE streams_attachment ADD CONSTRAINT streams_attachment_conversation
  FOREIGN KEY (conversation_id) REFERENCES streams_conversation (id) ON DELETE CASCADE;
ALTER TABLE streams_attachment ADD CONSTRAINT streams_attachment_message
  FOREIGN KEY (message_id) REFERENCES streams_message (id) ON DELETE SET NULL
"""
STAY = """
ALTER TABLE streams_attachment DROP CONSTRAINT streams_attachment_conversation;
ALTER TABLE streams_attachment DROP CONSTRAINT streams_attachment_message
"""


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0028_branching"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DiscardedFile",
            fields=[
                ("place", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(db_index=True)),
            ],
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
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_attachments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("conversation__isnull", True)),
                        fields=["created_at"],
                        name="attachments_unsent",
                    )
                ],
            },
        ),
        migrations.RunSQL(DISCARD, KEEP),
        migrations.RunSQL(GO_ALONG, STAY),
    ]
