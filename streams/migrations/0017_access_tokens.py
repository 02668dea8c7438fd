from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0016_deliveries")]
    operations = [
        migrations.AlterField(
            model_name="device",
            name="kind",
            field=models.CharField(
                choices=[
                    ("phone", "Phone"),
                    ("tablet", "Tablet"),
                    ("computer", "Computer"),
                    ("other", "Other"),
                    ("api", "Api"),
                ],
                default="other",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="device",
            name="read_only",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="device",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
