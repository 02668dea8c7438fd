from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0019_agents")]
    operations = [
        migrations.AddField(
            model_name="conversation",
            name="pinned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("pinned_at__isnull", False)),
                fields=["owner", "-updated_at", "-id"],
                name="conversations_pinned",
            ),
        ),
    ]
