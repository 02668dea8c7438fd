"""Finds runs that ended while their answer goes on at its service; of others there are none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0026_shares")]
    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                fields=["ended_at"],
                condition=models.Q(upstream__gt="", status__in=["cancelled", "failed"]),
                name="runs_left_upstream",
            ),
        )
    ]
