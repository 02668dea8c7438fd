"""Checks the columns of a conversation that a person may set."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, gettext_noop

from streams import quotas
from streams.conversation_list_query import PINNED_MOST
from streams.exceptions import Invalid, UnknownModelName
from streams.models import Conversation
from streams.models.branching import Imported
from streams.postgres import clock
from streams.providers import registry
from streams.providers.base import UnknownModel

KINDS: dict[str, type] = {"title": str, "model": str, "system": str, "on_busy": str}
LENGTHS = {"title": 120, "model": 120, "client_key": 64}
NAMES = {
    "title": gettext_noop("title"),
    "model": gettext_noop("model"),
    "client_key": "client key",
}


def checked_values(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the columns to set. Raises Invalid or UnknownModelName, with the field."""
    values = dict(given)
    quotas.check_text("system", values.get("system") or "")
    for name in LENGTHS:
        short_enough(name, values.get(name) or "")
    if "title" in values:
        values["title"] = " ".join(values["title"].split())
    if "model" in values:
        known_model(values["model"])
    if values.get("on_busy", "queue") not in Conversation.OnBusy.values:
        choices = ", ".join(Conversation.OnBusy.values)
        raise Invalid(f"on_busy is one of {choices}.", field="on_busy")
    return values


def short_enough(name: str, value: str) -> None:
    if len(value) > LENGTHS[name]:
        told = gettext("The %(what)s is too long: at most %(most)d characters.")
        what = gettext(NAMES[name])
        raise Invalid(told % {"what": what, "most": LENGTHS[name]}, field=name)


def imported(given: list[Any]) -> list[Imported]:
    """Returns messages to take in, each sent as `{"role", "content"}`. Raises Invalid."""
    for each in given:
        if not isinstance(each, dict) or set(each) != {"role", "content"}:
            raise Invalid("A message is an object with role and content.", field="messages")
        if not all(isinstance(value, str) for value in each.values()):
            raise Invalid("role and content must be text.", field="messages")
    return [Imported(each["role"], each["content"]) for each in given]


def known_model(name: str) -> None:
    try:
        registry.check_name(name)
    except UnknownModel as error:
        raise UnknownModelName(str(error), field="model") from error


def archived(conversation: Conversation, values: dict[str, Any]) -> dict[str, Any]:
    """Turns yes or no into the moment of archiving, which a second yes leaves as it is."""
    return since(conversation, values, "archived")


def pinned(conversation: Conversation, values: dict[str, Any]) -> dict[str, Any]:
    """The same of pinning. Raises Invalid beyond as many as the list shows."""
    if values.get("pinned") and conversation.pinned_at is None:
        theirs = Conversation.objects.owned_by(conversation.owner_id)
        if theirs.filter(pinned_at__isnull=False).count() >= PINNED_MOST:
            told = gettext("At most %(most)d conversations can be pinned.")
            raise Invalid(told % {"most": PINNED_MOST}, field="pinned")
    return since(conversation, values, "pinned")


def since(conversation: Conversation, values: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in values:
        return values
    column = f"{name}_at"
    wanted = values.pop(name)
    if wanted == (getattr(conversation, column) is not None):
        return values
    return values | {column: clock.now() if wanted else None}
