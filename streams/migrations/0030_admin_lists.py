from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0029_attachments"),
    ]

    operations = [
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
            index=BrinIndex(fields=["queued_at"], name="runs_by_day"),
        ),
    ]
