import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEY = ("id", models.BigAutoField(primary_key=True))


class Migration(migrations.Migration):
    initial = True
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.CreateModel(
            "Account",
            [
                (
                    "account_id",
                    models.UUIDField(
                        db_column="Account", default=uuid.uuid4, primary_key=True, serialize=False
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True)),
                ("is_superuser", models.BooleanField(default=False)),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("is_staff", models.BooleanField(default=False)),
                ("conversations", models.PositiveIntegerField(default=0)),
                ("preferences", models.JSONField(default=dict)),
                ("groups", models.ManyToManyField(blank=True, related_name="+", to="auth.group")),
                (
                    "user_permissions",
                    models.ManyToManyField(blank=True, related_name="+", to="auth.permission"),
                ),
            ],
        ),
        migrations.CreateModel(
            "Gadget",
            [
                KEY,
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel("Stock", [KEY, ("count", models.PositiveIntegerField(default=0))]),
    ]
