"""`manage.py vapidkeys`: a key to sign notifications to people's devices with."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Make a key for notifications: STREAMS = {'push': {'private_key': …, 'subject': …}}."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from py_vapid import Vapid02
        except ImportError as error:
            raise CommandError('First: pip install "chatstream[push]"') from error
        vapid = Vapid02()
        vapid.generate_keys()
        number = vapid.private_key.private_numbers().private_value
        self.stdout.write(urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("="))
