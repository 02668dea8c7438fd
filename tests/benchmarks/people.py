"""Who takes part: users, their devices and conversations, made without the web."""

from __future__ import annotations

from django.contrib.auth.models import User

from streams.models import Conversation, Device
from tests.client import cookies_of


def device(name: str) -> Device:
    user = User.objects.create(username=name)
    user.set_unusable_password()
    user.save()
    return Device.objects.create(user=user, name="Laptop")


def cookie_of(owner: Device) -> str:
    return "; ".join(f"{name}={text}" for name, text in cookies_of(owner).items())


def conversations(owner: Device, count: int, model: str) -> list[Conversation]:
    made = [Conversation(owner=owner.user, model=model) for _ in range(count)]
    return Conversation.objects.bulk_create(made)


def filled(owner: Device, messages: int) -> Conversation:
    """A conversation of finished turns, as a long chat leaves them."""
    from tests.views.answers import begin, complete, say

    here = conversations(owner, 1, "scripted:demo")[0]
    for number in range(messages // 2):
        _, run, _ = here.post(f"Question {number}: what *is* it?", owner)
        begin(run)
        say(run, f"Answer {number}. It is **this**:\n\n", "- one\n- two\n\n`and` so on. " * 5)
        complete(run)
    return here
