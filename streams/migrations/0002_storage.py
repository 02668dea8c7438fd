"""Storage parameters of tables: room for updates in their pages, and when they are vacuumed."""

from django.db import migrations

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


class Migration(migrations.Migration):
    dependencies = [("streams", "0001_initial")]
    operations = [migrations.RunSQL(TUNE, UNTUNE)]
