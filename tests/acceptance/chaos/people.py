"""`python -m`: fills an empty database with people, devices and conversations, and prints
who has which cookies and which conversations."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parents[3]
OURS = {"DJANGO_SETTINGS_MODULE": "tests.settings", "CHATSTREAM_CHILD": "1"}


async def populate(url: str, conversations: int, model: str = "openai-chat:any") -> Any:
    """In a process of its own: the test's own Django belongs to another database."""
    arguments = [sys.executable, "-m", __name__, str(conversations), model]
    environment = os.environ | OURS | {"DATABASE_URL": url}
    done = await asyncio.to_thread(
        subprocess.run, arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def main(conversations: int, model: str) -> None:
    django.setup()
    from django.core.management import call_command

    from tests.client import cookies_of
    from tests.factories import ConversationFactory, DeviceFactory, UserFactory

    call_command("migrate", verbosity=0)
    people = []
    for _ in range(0, conversations, 4):
        user = UserFactory()
        devices = [DeviceFactory(user=user, name=name) for name in ("Laptop", "Phone")]
        own = ConversationFactory.create_batch(4, owner=user, model=model)
        people.append(
            {
                "cookies": [cookies_of(device) for device in devices],
                "conversations": [str(each.uuid) for each in own],
            }
        )
    print(json.dumps(people))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
