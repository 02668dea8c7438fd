from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0008_siblings")]
    operations = [
        migrations.AddField(
            model_name="run", name="deaths", field=models.PositiveIntegerField(db_default=0)
        ),
    ]
