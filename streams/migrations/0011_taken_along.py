"""A trigger that deletes what belongs to a conversation with it, and notifies its readers."""

from django.db import migrations

# Events have no foreign key, whose check would cost more than their insert; so the conversation
# takes them along, and all else that hangs on it, whoever deletes it and by what statement.
# Runs before events, as folding locks them. Who follows it hears that it has gone.
TAKE_ALONG = """
CREATE FUNCTION streams_conversation_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER streams_conversation_deleted AFTER DELETE ON streams_conversation
   FOR EACH ROW EXECUTE FUNCTION streams_conversation_deleted();
"""
LEAVE = """
DROP TRIGGER streams_conversation_deleted ON streams_conversation;
DROP FUNCTION streams_conversation_deleted();
"""


class Migration(migrations.Migration):
    dependencies = [("streams", "0010_faults")]
    operations = [migrations.RunSQL(TAKE_ALONG, LEAVE)]
