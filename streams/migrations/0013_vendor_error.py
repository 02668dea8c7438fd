from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0012_device_gone")]
    operations = [
        migrations.AddField(
            model_name="run",
            name="vendor_error",
            field=models.CharField(blank=True, db_default="", max_length=200),
        ),
    ]
