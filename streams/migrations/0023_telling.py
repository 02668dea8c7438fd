"""What became of the run that is told of, and who has been told; old workers leave both out."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0022_asked_by_programs")]
    operations = [
        migrations.AddField(
            model_name="delivery",
            name="status",
            field=models.CharField(db_default="", max_length=9),
        ),
        migrations.AddField(
            model_name="delivery",
            name="done",
            field=ArrayField(base_field=models.CharField(max_length=80), db_default=[], size=None),
        ),
    ]
