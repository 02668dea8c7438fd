"""Finds and begins conversations and runs by the names that clients choose, which may be any text.

A name leads to the same conversation in every dialect, and so does a conversation's own id.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from streams.exceptions import Invalid
from streams.models import Conversation
from streams.models.conversation import named

KEYS = uuid5(NAMESPACE_URL, "chatstream:dialects")
LONGEST = 500  # characters
KEPT = 40  # characters of a message's id; longer ones are hashed


def conversation_of(user: Any, name: str) -> Conversation | None:
    """Returns the person's conversation of this name or id, unless it has been deleted."""
    own = Conversation.objects.owned_by(user)
    if (uuid := as_uuid(name)) and (known := own.filter(uuid=uuid).first()):
        return known
    made = named(user, name, KEYS)
    # As `Conversation.begin` goes on where a name was used before.
    while Conversation.objects.filter(uuid=made).exists():
        if known := own.filter(uuid=made).first():
            return known
        made = uuid5(made, "again")
    return None


def begin(user: Any, name: str, **values: Any) -> Conversation:
    """Returns the person's conversation of this name or id, made now if there is none."""
    return conversation_of(user, name) or Conversation.begin(user, name, KEYS, **values)


def run_uuid(user: Any, name: str) -> UUID:
    """Returns the id of the run that a person's client names so."""
    return uuid5(KEYS, f"run {user.pk} {name}")


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def message_key(id: str) -> str:
    """Returns the `client_key` of a message by its client's id."""
    if len(id) <= KEPT and "#" not in id:
        return id
    return f"~{hashlib.sha256(id.encode(errors='replace')).hexdigest()[: KEPT - 1]}"


def client_id(key: str) -> str:
    """Returns the client's id in a `client_key`."""
    return key.partition("#")[0]


def name_in(given: Any, field: str) -> str:
    """Returns a name that a client sent. Raises Invalid."""
    if not isinstance(given, str) or not given or len(given) > LONGEST or "\0" in given:
        raise Invalid(f"{field} is a text of 1 to {LONGEST} characters.", field=field)
    return given
