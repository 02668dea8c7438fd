"""The database that holds this app's tables: `default`, or another by the site's routers.

Everything of the app that needs a connection or a transaction takes it from here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.apps import apps
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

P = ParamSpec("P")
T = TypeVar("T")


def alias() -> str:
    """Its name in the setting DATABASES."""
    return router.db_for_write(apps.get_model("streams", "Conversation"))


def connection() -> BaseDatabaseWrapper:
    """This thread's connection to it."""
    return connections[alias()]


def atomic(act: Callable[P, T]) -> Callable[P, T]:
    """Decorates a function that runs in one transaction of it, as Django's own does for one
    named in advance: routers are asked at each call."""

    @wraps(act)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        with transaction.atomic(using=alias()):
            return act(*args, **kwargs)

    return within


def never_in_a_transaction(view: Callable[..., Any]) -> None:
    """Exempts a view from ATOMIC_REQUESTS: held until the response is made, a conversation's row
    would hold up its answer."""
    for each in connections:
        transaction.non_atomic_requests(using=each)(view)
