"""Does nothing. Databases and other apps' migrations may name it.

It once made the tables of 0001 to 0016 at once. Django 5.2 cannot replace a migration that itself
replaces others, so it replaces nothing any more; databases that it made have all of those recorded.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("streams", "0016_deliveries")]
    operations = []
