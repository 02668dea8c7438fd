"""The database that holds the app's tables: `default`, or the one the site's routers name.

All code that needs a connection or a transaction takes it from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.apps import apps
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

P = ParamSpec("P")
T = TypeVar("T")


def alias() -> str:
    """Returns its name in the setting DATABASES."""
    return router.db_for_write(apps.get_model("streams", "Conversation"))


def connection() -> BaseDatabaseWrapper:
    """Returns this thread's connection to it."""
    return connections[alias()]


def atomic(act: Callable[P, T]) -> Callable[P, T]:
    """Decorates a function to run in one transaction on it. Unlike Django's decorator, which is
    given a database in advance, it asks the routers at each call.
    """

    @wraps(act)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        with transaction.atomic(using=alias()):
            return act(*args, **kwargs)

    return within


@contextmanager
def own_cursor() -> Iterator[Any]:
    """Opens a connection for one statement beside this thread's transaction. It is not of the pool:
    while each of that is held by a transaction that wants a second one, all would wait for ever.
    """
    own = connection().copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    try:
        with own.cursor() as cursor:
            yield cursor
    finally:
        own.close()


def in_a_test() -> bool:
    """Tells whether this connection is in the transaction that a TestCase rolls back in the end:
    what another connection would commit then stays in the test database.
    """
    return any(getattr(each, "_from_testcase", False) for each in connection().atomic_blocks)


def never_in_a_transaction(view: Callable[..., Any]) -> None:
    """Exempts a view from ATOMIC_REQUESTS: a conversation's row locked until the response is made
    would hold up its answer.
    """
    for each in connections:
        transaction.non_atomic_requests(using=each)(view)
