"""Adapts to the site's user model, whatever its name, key and fields.

The key may be one column of any name and type, the sign-in name is what USERNAME_FIELD says, and a
model may lack `is_active` and `password`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import BooleanField, JSONField, QuerySet

from .postgres.database import alias, connection


def key_type() -> str:
    """The key's type in SQL, as a column that refers to it has it: `bigint`, `uuid`, …"""
    return str(key_field().rel_db_type(connection()))


def key_text(key: Any) -> str:
    """Returns a person's key as PostgreSQL writes it: what notifications carry and casts read."""
    return str(key_field().get_db_prep_value(key, connection()))


def key_field() -> Any:
    return get_user_model()._meta.pk


def sign_in_name(relation: str) -> str:
    """Returns the field by which people behind a relation are searched and sorted."""
    return f"{relation}__{get_user_model().USERNAME_FIELD}"


def lock_user(key: Any) -> Any:
    """Returns the person and locks the row until the end of the transaction."""
    return locked(key).get()


def locked(key: Any) -> QuerySet[Any]:
    """The row alone or none, held from when it is read."""
    return people().select_for_update(no_key=True, of=("self",)).filter(pk=key)


def locking() -> str:
    """A query that locks, as `lock_user` does, the rows of all people whose keys, as `key_text`
    writes them, are in the array `people`."""
    quote = connection().ops.quote_name
    key, table = quote(key_field().column), quote(get_user_model()._meta.db_table)
    return (
        f"SELECT FROM {table} WHERE {key} = ANY(%(people)s::text[]::{key_type()}[])"
        f" ORDER BY {key} FOR NO KEY UPDATE"
    )


def exists(key: str) -> str:
    """A condition for queries in SQL: there is a person with the key that the expression gives."""
    quote = connection().ops.quote_name
    column, table = quote(key_field().column), quote(get_user_model()._meta.db_table)
    return f"EXISTS (SELECT FROM {table} WHERE {column} = {key})"


def is_active(user: Any) -> bool:
    """Tells whether they may go on; everybody may if the model does not say."""
    return bool(getattr(user, "is_active", True))


def password(user: Any) -> str:
    """Returns the password's hash, or "" if the model keeps none."""
    return getattr(user, "password", None) or ""


@cache
def everybody(name: str) -> str:
    """For queries in SQL: the table `name` of all people, with their `key` and `columns`."""
    attributes = [field.attname for field in fields()]
    rows, _ = people().values_list("pk", *attributes).query.sql_with_params()
    columns = ", ".join(f"f{n}" for n in range(len(attributes)))
    return f"({rows}) AS {name} (key, {columns})"


def columns(name: str) -> list[str]:
    """Returns the columns that `from_row` reads of that table, as text where connections would read
    JSON differently.
    """
    casts = ("::text" if isinstance(field, JSONField) else "" for field in fields())
    return [f"{name}.f{n}{cast}" for n, cast in enumerate(casts)]


def from_row(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """The person whose `columns` come first, and what is left of the row."""
    known, there = fields(), connection()
    read = list(values[: len(known)])
    for n, field in enumerate(known):
        for convert in field.get_db_converters(there):  # as the ORM reads a column
            read[n] = convert(read[n], field.cached_col, there)
    attributes = [field.attname for field in known]
    return get_user_model().from_db(there.alias, attributes, read), values[len(known) :]


def fields() -> Sequence[Any]:
    return get_user_model()._meta.concrete_fields


def active_people() -> str:
    """For queries in SQL: a table of the `key` and `password` of everyone who may go on.

    An `is_active` that is no column is unknown to it, and asked about by requests alone.
    """
    names, active = {field.name: field for field in fields()}, people()
    if isinstance(names.get("is_active"), BooleanField):
        active = active.filter(is_active=True)
    known = ["pk", "password"] if "password" in names else ["pk"]
    rows, _ = active.values_list(*known).query.sql_with_params()
    if len(known) == 1:
        rows = f"SELECT key, '' FROM ({rows}) AS one (key)"
    return f"({rows}) AS people (key, password)"


def people() -> QuerySet[Any]:
    """All of them, whatever a manager of the site hides."""
    return get_user_model()._base_manager.using(alias()).order_by()
