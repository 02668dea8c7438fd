"""Checks for `manage.py check` of settings that would fail silently in production."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections, router
from psycopg import IsolationLevel

from . import asgi_check, settings_references
from .attachments import storage
from .conf import Settings, conf
from .models import Device
from .postgres import database
from .providers import registry
from .settings_validation import RENAMED, STILL_TAKEN, by_new_names, problems
from .static_files_check import stale, uncollected


@register(Tags.compatibility)
def check_settings(**_: Any) -> list[CheckMessage]:
    return [*database_settings(), *middleware(), *server_of_streams(), *tuning()]


def database_settings() -> Iterable[CheckMessage]:
    """Checks the engine and options of the app's database in DATABASES."""
    alias = database.alias()
    if connections[alias].vendor != "postgresql":
        yield Error(
            f"The log is kept by PostgreSQL and by no other database, and {alias!r} is another.",
            hint='Make DATABASES["default"] a PostgreSQL, or route the app streams to one.',
            id="streams.E002",
        )
    elsewhere = {
        "what it has just written is read from": router.db_for_read(Device),
        "its people are in": router.db_for_write(get_user_model()),
    }
    for what, other in elsewhere.items():
        if other != alias:
            yield Error(
                f"The app's tables are in the database {alias!r}, and {what} {other!r}.",
                hint="Let DATABASE_ROUTERS send the app streams, for reading and for writing, to "
                "the database of the user model.",
                id="streams.E003",
            )
    options = connections[alias].settings_dict.get("OPTIONS", {})
    if options.get("isolation_level") not in (None, IsolationLevel.READ_COMMITTED):
        yield Error(
            f"Transactions in the database {alias!r} do not see what others commit meanwhile: a "
            "prompt would fail while an answer is being written.",
            hint="Leave isolation_level out of its OPTIONS, or make it READ_COMMITTED.",
            id="streams.E015",
        )
    if not settings.USE_TZ:
        yield Error(
            "USE_TZ is off, and moments without a zone cannot be told apart on two processes.",
            hint="Set USE_TZ = True; Django's documentation says how a site is moved to it.",
            id="streams.E014",
        )


def middleware() -> Iterable[CheckMessage]:
    installed: Sequence[str] = settings.MIDDLEWARE
    if "django.middleware.gzip.GZipMiddleware" in installed:
        yield Warning(
            "GZipMiddleware compresses pages that hold secrets and prompts side by side, and "
            "any stream that passes through it arrives late.",
            hint="Let the proxy compress, text/event-stream excepted.",
            id="streams.W001",
        )


def server_of_streams() -> Iterable[CheckMessage]:
    if why := asgi_check.reason_for_polling():
        yield Warning(
            f"Answers are polled for, about once a second, instead of streamed: {why}.",
            hint="Say there `from streams.asgi import WithStreams` and "
            "`application = WithStreams(get_asgi_application())`, and serve that.",
            id="streams.W005",
        )


def tuning() -> Iterable[CheckMessage]:
    """Checks STREAMS: names and types, values that contradict each other, and what it refers to."""
    given = getattr(settings, "STREAMS", {})
    if wrong := problems(by_new_names(given), Settings()):
        yield from (Error(each.what, hint=each.hint, id=each.id) for each in wrong)
        return
    for name in STILL_TAKEN:
        if name in given:
            yield Warning(
                f"STREAMS {name} is called {RENAMED[name]} now.",
                hint="Rename it once no process of before runs: the next release refuses it.",
                id="streams.W009",
            )
    streams = conf()
    for name, plenty in (("buffer_events", "some thousands"), ("buffer_bytes", "some millions")):
        if not getattr(streams, name):
            yield Error(
                f"With STREAMS {name} at 0 no worker may hold a token, so none is ever stored.",
                hint=f"Leave it out, or make it {plenty}.",
                id="streams.E010",
            )
    if streams.lease <= 2 * streams.heartbeat:
        yield Error(
            f"A lease of {streams.lease:g} s with a heartbeat every {streams.heartbeat:g} s: one "
            "late beat and a living worker loses its answers.",
            hint="Make STREAMS lease more than twice the heartbeat.",
            id="streams.E007",
        )
    yield from settings_references.check(streams)


@register(deploy=True)
def check_models(**_: Any) -> list[CheckMessage]:
    """Checks the configured models; under DEBUG, scripts may answer so that the app can be
    tried.
    """
    first = registry.default_model()
    if settings.DEBUG or not registry.recites(first):
        return []
    return [
        Warning(
            f"A new conversation is answered by {first}, which recites a script.",
            hint="Give a provider its key in STREAMS models (the variable ANTHROPIC_API_KEY does, "
            "with the project's own settings), or name another default_model.",
            id="streams.W003",
        )
    ]


@register(deploy=True)
def check_static_files(**_: Any) -> list[CheckMessage]:
    if found := uncollected() or stale():
        return [Error(found, id="streams.E011")]
    return []


@register(deploy=True)
def check_attachments(**_: Any) -> list[CheckMessage]:
    """Checks that attached files can be stored, by storing one, and are served by us alone."""
    if not conf().attachment_bytes:
        return []
    if problem := storage.problem():
        return [
            Error(
                f"Files cannot be attached: the storage {conf().attachment_storage!r} says "
                f"{problem}.",
                hint="Make its folder one that web and worker processes may write (the variable "
                "ATTACHMENTS_FOLDER, with the project's own settings), name another of STORAGES in "
                "STREAMS attachment_storage, or set attachment_bytes to 0.",
                id="streams.E026",
            )
        ]
    if settings.MEDIA_ROOT and storage.folder() == Path(settings.MEDIA_ROOT).resolve():
        return [
            Warning(
                "Attached files lie below MEDIA_ROOT, where a web server may hand them to anybody "
                "who knows their address.",
                hint="Name another of STORAGES in STREAMS attachment_storage.",
                id="streams.W008",
            )
        ]
    return []
