"""A trigger that notifies web processes of a deleted device, whose streams then end."""

from django.db import migrations

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


class Migration(migrations.Migration):
    dependencies = [("streams", "0011_taken_along")]
    operations = [migrations.RunSQL(TELL, BE_SILENT)]
