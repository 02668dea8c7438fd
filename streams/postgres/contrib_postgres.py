"""PostgreSQL's own fields and indexes, in sites that have not installed `django.contrib.postgres`.

Since 6.1 a check of Django's asks for that app wherever they are used. What it adds is lookups and
types that none of ours needs, and each site would have to name it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model

CHECK = "_check_postgres_installed"


def leave_out_the_check(models: Iterable[type[Model]]) -> None:
    """Takes that check from the fields and indexes of these models, and from no others."""
    for model in models:
        for each in (*model._meta.local_fields, *model._meta.indexes):
            if hasattr(each, CHECK):
                setattr(each, CHECK, no_faults)


def no_faults(*asked: Any) -> list[Any]:
    return []
