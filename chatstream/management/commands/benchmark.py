"""`manage.py benchmark`: a developer's tool, whose code lives beside the tests."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Measure everything against a relay that stores nothing, on a database of its own."
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        """The options are the benchmark's own."""
        try:
            from tests.benchmarks.launch import launch
        except ImportError:
            sys.exit("The benchmark lives in tests/, which is not here: use a checkout.")
        sys.exit(launch(argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("Run it from the command line: it starts processes of its own.")
