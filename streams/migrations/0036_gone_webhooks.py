from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0035_usage_requests"),
    ]

    operations = [
        migrations.CreateModel(
            name="GoneWebhook",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("mark", models.CharField(editable=False, max_length=64)),
                ("gone_at", models.DateTimeField(db_default=Now())),
            ],
        ),
    ]
