"""Reads the site's sessions in whichever engine keeps them (SESSION_ENGINE)."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from importlib import import_module
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.sessions.backends import cached_db, db
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import caches
from django.db import connections, router
from django.db.utils import OperationalError

# Engines whose rows say all there is to say: a subclass may read them in its own way.
PLAIN_LOADS = (db.SessionStore.load, cached_db.SessionStore.load)


def store() -> type[SessionBase]:
    kind: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return kind


def table(alias: str) -> str | None:
    """Returns the quoted name of the sessions' table if one query to the database `alias` can join
    it; None for every other engine, whose sessions `load` reads.
    """
    kind = store()
    if not issubclass(kind, db.SessionStore) or kind.load not in PLAIN_LOADS:
        return None
    model = kind.get_model_class()
    if router.db_for_write(model) != alias:
        return None
    return connections[alias].ops.quote_name(model._meta.db_table)


def decode(data: str) -> dict[str, Any]:
    """Decodes a row of `table`; what it returns is the caller's to change."""
    kind = store()
    if (kind.encode, kind.decode) != (SessionBase.encode, SessionBase.decode):
        own: dict[str, Any] = kind().decode(data)
        return own
    keys = settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS
    return deepcopy(decoded(data, kind, settings.SESSION_SERIALIZER, keys))


@lru_cache(maxsize=1024)  # a person sends many requests between two changes of their session
def decoded(
    data: str, kind: type[SessionBase], serializer: str, keys: tuple[str | bytes, ...]
) -> dict[str, Any]:
    made: dict[str, Any] = kind().decode(data)
    return made


def load(key: str) -> Mapping[str, Any]:
    """Loads a session by its cookie; empty if there is none. Runs in a thread whose connections it
    gives back.

    Raises psycopg.OperationalError while its database is away.
    """
    try:
        session = store()(key)
        return dict(session.items())
    except OperationalError as error:
        raise psycopg.OperationalError(str(error)) from error
    finally:
        connections.close_all()
        caches.close_all()
