"""One worker process as `manage.py runworker` makes it, on a leash."""

import os
import sys

from django.core.management import execute_from_command_line

from tests.benchmarks.exit_with_parent import leash

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatstream.settings")
    leash()
    execute_from_command_line(["manage.py", "runworker", "--drain", "0.5", *sys.argv[1:]])
