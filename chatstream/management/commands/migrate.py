"""`manage.py migrate`: Django's command, tried again while a table is in use.

It is the project's alone: a site that installs the app keeps its own command.
"""

from __future__ import annotations

import time
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.utils import OperationalError
from psycopg.errors import LockNotAvailable

from chatstream.schema_editor import SchemaEditor

LONGEST_PAUSE = 15.0  # seconds


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Each migration that was made stays made; a backup may take as long as it likes."""
        connections[options["database"]].SchemaEditorClass = SchemaEditor
        pause = 1.0
        while True:
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
            self.stderr.write(f"\nA table is in use, by a backup perhaps: again in {pause:g} s.")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
