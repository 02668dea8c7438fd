from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0036_gone_webhooks"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("attempt__gt", 0), ("status", "queued")),
                fields=["conversation"],
                name="runs_handed_back",
            ),
        ),
    ]
