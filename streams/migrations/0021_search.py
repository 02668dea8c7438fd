import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

# It goes with its message, which goes with its conversation by a trigger of that table.
GO_ALONG = """
ALTER TABLE streams_searchentry ADD CONSTRAINT streams_searchentry_message
  FOREIGN KEY (message_id) REFERENCES streams_message (id) ON DELETE CASCADE
"""
STAY = "ALTER TABLE streams_searchentry DROP CONSTRAINT streams_searchentry_message"

# For titles with a slip in them, where it may be had: who owns the database may have it.
SIMILAR = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'search goes without pg_trgm: %', SQLERRM;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("streams", "0020_pinned")]
    operations = [
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
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["words"], name="search_words")
                ],
            },
        ),
        migrations.RunSQL(GO_ALONG, STAY),
        migrations.RunSQL(SIMILAR, migrations.RunSQL.noop),
    ]
