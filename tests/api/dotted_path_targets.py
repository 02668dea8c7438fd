"""What a site names by dotted path in its settings."""

from __future__ import annotations

from dataclasses import replace

from asgiref.sync import sync_to_async

from streams.policy import Policy
from streams.providers.base import BlockDelta, BlockEnded, BlockStarted, Finished, Kind


class Acme:
    """A provider of the site's own."""

    name = "acme"
    skipped = 0
    menu = ("anvil",)

    def __init__(self, key, greeting="Hello"):
        self.key, self.greeting = key, greeting

    async def stream(self, prompt):
        yield BlockStarted(0, Kind.TEXT)
        yield BlockDelta(0, f"{self.greeting} from {prompt.model} with {self.key}: {prompt.system}")
        yield BlockEnded(0)
        yield Finished("end_turn")

    def models(self):
        return self.menu

    async def aclose(self):
        return None


class Reciting(Acme):
    recites = True


class OnlyAnna(Policy):
    def may_use(self, user):
        return user.username == "anna"

    def models_for(self, user):
        return ["scripted:echo", "scripted:demo"]


def with_the_title(prompt, run):
    return replace(prompt, system=f"{prompt.system} {run.prompt}?".strip())


async def with_the_title_later(prompt, run):
    await sync_to_async(run.refresh)()
    return with_the_title(prompt, run)


def nothing(prompt, run):
    return None
