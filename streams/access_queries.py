"""The query that reads a request's session, user and device at once; `streams.access` judges
them.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import sessions, user_model
from .models import Device
from .postgres import database


def who(columns: str = "", joins: str = "", by_site: bool = False) -> str:
    """Returns a query for session, user and device, with the parameters `key`, `session` and, for
    `joins`, `uuid`.

    `columns` are selected in addition. `joins` are joined in addition, with `{uuid}` in the place
    of the UUID asked for. `by_site` looks up a device without its session. The session is NULL if
    sessions are in no table (`sessions.table`).
    """
    one = {"key": "%(key)s", "session": "%(session)s"}
    return found_by(one, "", columns, joins.format(uuid="%(uuid)s"), by_site)


def who_each(columns: str = "", joins: str = "") -> str:
    """Makes the query `who` for many at once, by arrays `keys`, `sessions` and `uuids`; its last
    column is the place in them, from 1.
    """
    asked = (
        "unnest(%(keys)s::text[], %(sessions)s::text[], %(uuids)s::uuid[]) WITH ORDINALITY"
        " AS asked (key, session, uuid, place) CROSS JOIN "
    )
    many = {"key": "asked.key", "session": "asked.session"}
    columns = f"{columns}, asked.place" if columns else "asked.place"
    return found_by(many, asked, columns, joins.format(uuid="asked.uuid"), by_site=False)


def found_by(values: Mapping[str, str], asked: str, columns: str, joins: str, by_site: bool) -> str:
    table = None if by_site else sessions.table(database.alias())
    own = ["s.session_data" if table else "NULL", *user_model.columns("person")]
    own += [f"d.{field.column}" for field in Device._meta.concrete_fields]
    begun = f"s.session_key = {values['session']} AND s.expire_date > now()"
    return (
        f"SELECT {', '.join([*own, *([columns] if columns else [])])}"
        f" FROM {asked}streams_device d {f'JOIN {table} s ON {begun}' if table else ''}"
        f" JOIN {user_model.everybody('person')} ON person.key = d.user_id {joins}"
        f" WHERE d.key = {values['key']} AND d.revoked_at IS NULL AND d.signed_out_at IS NULL"
        " AND (d.expires_at IS NULL OR d.expires_at > now())"
    )
