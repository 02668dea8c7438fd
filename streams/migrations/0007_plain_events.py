"""Stores the data of events uncompressed, so that its size as stored bounds its size as read."""

from django.db import migrations

# A page of a client's past is bounded in bytes as stored, and ten thousand times the same
# letter would be stored in next to nothing. What is long is stored as it is, beside its row.
PLAIN = "ALTER TABLE streams_event ALTER COLUMN data SET STORAGE EXTERNAL"
PACKED = "ALTER TABLE streams_event ALTER COLUMN data SET STORAGE EXTENDED"


class Migration(migrations.Migration):
    dependencies = [("streams", "0006_sign_outs")]
    operations = [migrations.RunSQL(PLAIN, PACKED)]
