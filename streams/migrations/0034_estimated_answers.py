"""How many of a month's answers have tokens that no service has said. Of those before: none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0033_continued_runs"),
        # Only so that it has a place. No earlier: 0033 may stand in a database that has never
        # recorded it.
        ("streams", "0001_squashed_0016_deliveries"),
    ]
    operations = [
        migrations.AddField(
            "usage", "estimated_answers", models.PositiveIntegerField(db_default=0)
        ),
    ]
