from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0034_estimated_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="usage",
            name="requests",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
    ]
