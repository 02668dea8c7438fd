"""The site's user model, whatever it is called, however its key is made and whatever it knows.

The key may be one column of any name and type, the name to sign in with is what USERNAME_FIELD
says, and a model may do without `is_active` and `password`.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, QuerySet

from .postgres.database import connection


def key_type() -> str:
    """The key's type in SQL, as a column that refers to it has it: `bigint`, `uuid`, …"""
    return str(key_field().rel_db_type(connection()))


def key_text(key: Any) -> str:
    """A person's key as PostgreSQL writes it: what notifications carry, and casts read."""
    return str(key_field().get_db_prep_value(key, connection()))


def key_field() -> Any:
    return get_user_model()._meta.pk


def sign_in_name(relation: str) -> str:
    """By what the people at the end of a relation are searched and sorted in a query."""
    return f"{relation}__{get_user_model().USERNAME_FIELD}"


def lock_user(key: Any) -> Any:
    """The person, whose row is held to the end of the transaction."""
    return locked(key).get()


def locked(key: Any) -> QuerySet[Any]:
    """The row alone or none, held from when it is read."""
    people = get_user_model()._base_manager.using(connection().alias)
    return people.select_for_update(no_key=True, of=("self",)).filter(pk=key)


def is_active(user: Any) -> bool:
    """Whether they may go on; everybody may, where the model does not say."""
    return bool(getattr(user, "is_active", True))


def password(user: Any) -> str:
    """Its hash, or nothing where the model keeps none."""
    return getattr(user, "password", None) or ""


def active_people() -> str:
    """For queries in SQL: a table of the `key` and `password` of everyone who may go on.

    An `is_active` that is no column is unknown to it, and asked about by requests alone.
    """
    people = get_user_model()._base_manager.using(connection().alias)
    if isinstance(field("is_active"), BooleanField):
        people = people.filter(is_active=True)
    known = ["pk", "password"] if field("password") else ["pk"]
    rows, _ = people.order_by().values_list(*known).query.sql_with_params()
    if len(known) == 1:
        rows = f"SELECT key, '' FROM ({rows}) AS one (key)"
    return f"({rows}) AS people (key, password)"


def field(name: str) -> Any:
    try:
        return get_user_model()._meta.get_field(name)
    except FieldDoesNotExist:
        return None
