from django.db import migrations, models

# As it is now: nobody who reads need begin anew.
FIRST = """
INSERT INTO streams_epoch (id, mark, events)
VALUES (1, '', 'streams_event'::regclass::oid::bigint)
"""


class Migration(migrations.Migration):
    dependencies = [("streams", "0013_vendor_error")]
    operations = [
        migrations.CreateModel(
            name="Epoch",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("mark", models.CharField(default="", max_length=32)),
                ("events", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
    ]
