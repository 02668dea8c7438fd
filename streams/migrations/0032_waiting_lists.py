from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0031_usage"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("undecided__gt", 0)),
                fields=["owner", "-updated_at", "-id"],
                name="conversations_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("archived_at__isnull", False)),
                fields=["owner", "-updated_at", "-id"],
                name="conversations_archived",
            ),
        ),
    ]
