"""`manage.py createtoken USER`: an access token for a program of that person."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from streams.exceptions import Invalid
from streams.models import Device


class Command(BaseCommand):
    help = "Make an access token for a program, which is shown once: Authorization: Bearer <token>."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the name the person signs in with")
        parser.add_argument("--name", default="Access token", help="as the list of devices has it")
        parser.add_argument("--read-only", action="store_true", help="it may change nothing")
        parser.add_argument("--days", type=int, help="it expires after so many; else never")

    def handle(self, *args: Any, **options: Any) -> None:
        people = get_user_model()
        try:
            person = people._default_manager.get_by_natural_key(options["user"])
        except people.DoesNotExist as error:
            raise CommandError(f"There is nobody called {options['user']!r}.") from error
        try:
            _, token = Device.issue_token(
                person.pk, options["name"], read_only=options["read_only"], days=options["days"]
            )
        except Invalid as error:
            raise CommandError(error.message) from error
        self.stdout.write(token)
