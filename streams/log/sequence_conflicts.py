"""Turns a reused event number, which PostgreSQL refuses, into a typed error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import IntegrityError

from streams.exceptions import SetAside

logger = logging.getLogger(__name__)

NUMBERS = ("streams_event_pkey", "message_seq")


@contextmanager
def numbered(conversation_id: int) -> Iterator[None]:
    """Raises SetAside when the conversation's counter is behind its log and a number would be
    reused.
    """
    try:
        yield
    except IntegrityError as error:
        cause = error.__cause__
        if not (isinstance(cause, psycopg.Error) and cause.diag.constraint_name in NUMBERS):
            raise
        logger.error(
            "conversation %s: its counter is behind its log; see `manage.py checklog`",
            conversation_id,
        )
        raise SetAside(
            "This conversation needs the care of who runs this site. Try again later."
        ) from error
