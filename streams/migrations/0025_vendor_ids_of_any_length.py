"""The vendors' own ids of calls may be of any length; the column is not written anew."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0024_push")]
    operations = [
        migrations.AlterField(model_name="toolcall", name="vendor_id", field=models.TextField())
    ]
