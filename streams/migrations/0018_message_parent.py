"""A message may name the one it follows. Most never do, and those that are stored go on by that
rule: no row is touched, however many there are.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0017_access_tokens")]
    operations = [
        migrations.AddField(
            model_name="message",
            name="parent_seq",
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
    ]
