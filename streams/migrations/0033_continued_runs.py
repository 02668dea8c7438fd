from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models.fields.json import KeyTransform


class Migration(migrations.Migration):
    dependencies = [("streams", "0032_waiting_lists")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=GinIndex(
                KeyTransform("continued", "asked"),
                fastupdate=False,
                condition=models.Q(("asked__has_key", "continued")),
                name="runs_continued",
            ),
        ),
    ]
