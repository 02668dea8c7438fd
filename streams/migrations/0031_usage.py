"""What each person's answers took, by month and model, and what they may take."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

COUNT = """
INSERT INTO streams_usage
       (owner_id, month, model, answers, input_tokens, output_tokens, cached_tokens, merged)
SELECT c.owner_id, date_trunc('month', r.ended_at AT TIME ZONE 'UTC')::date, r.model, count(*),
       sum({}), sum({}), sum({}), true
  FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
 WHERE r.ended_at IS NOT NULL AND r.attempt > 0 AND r.status <> 'steered'
 GROUP BY 1, 2, 3
""".format(
    *(
        f"CASE WHEN jsonb_typeof(r.usage->'{name}') = 'number'"
        f" THEN least(greatest((r.usage->>'{name}')::numeric, 0), 1e15)::bigint ELSE 0 END"
        for name in ("input_tokens", "output_tokens", "cached_tokens")
    )
)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("streams", "0030_admin_lists"),
    ]
    operations = [
        migrations.CreateModel(
            name="Budget",
            fields=[
                (
                    "owner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="streams_budget",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("tokens", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "dollars",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Usage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField()),
                ("model", models.CharField(max_length=120)),
                ("answers", models.PositiveIntegerField(db_default=1)),
                ("input_tokens", models.BigIntegerField(db_default=0)),
                ("output_tokens", models.BigIntegerField(db_default=0)),
                ("cached_tokens", models.BigIntegerField(db_default=0)),
                ("merged", models.BooleanField(db_default=False)),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="streams_usage",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "usage",
                "indexes": [
                    models.Index(fields=["owner", "month"], name="usage_of_owner"),
                    models.Index(
                        condition=models.Q(("merged", False)), fields=["id"], name="usage_unmerged"
                    ),
                ],
            },
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
