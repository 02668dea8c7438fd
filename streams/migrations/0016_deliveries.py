from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("streams", "0015_reverse_names")]
    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run_id", models.BigIntegerField()),
                ("created_at", models.DateTimeField(db_default=Now())),
                ("attempts", models.PositiveIntegerField(db_default=0)),
                ("due_at", models.DateTimeField(db_default=Now())),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "indexes": [models.Index(fields=["due_at"], name="deliveries_due")],
            },
        ),
    ]
