"""How many of a month's answers have tokens that no service has said. Of those before: none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0033_continued_runs")]
    operations = [
        migrations.AddField(
            "usage", "estimated_answers", models.PositiveIntegerField(db_default=0)
        ),
    ]
