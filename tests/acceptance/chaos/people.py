"""`python -m`: fills a migrated database with people, devices and conversations, and prints
who has which cookies and which conversations."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import django

from tests.processes import Process


async def populate(url: str, conversations: int, model: str = "openai-chat:any") -> Any:
    """Runs this module in a process of its own, since the test's own Django belongs to another
    database.
    """
    done = Process("-m", __name__, str(conversations), model, DATABASE_URL=url)
    found = await asyncio.to_thread(done.wait_for, r"(?m)^\[\{.*\}\]$")
    return json.loads(found[0])


def main(conversations: int, model: str) -> None:
    django.setup()
    from tests.client import cookies_of
    from tests.factories import ConversationFactory, DeviceFactory, UserFactory

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
