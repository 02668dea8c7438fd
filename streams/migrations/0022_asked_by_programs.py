"""What programs keep beside a conversation and ask for beside a prompt; null in all there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0021_search")]
    operations = [
        migrations.AddField(
            model_name="conversation",
            name="metadata",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="asked",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
    ]
