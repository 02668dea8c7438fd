"""The database as the first visitor needs it: migrated, with someone to sign in as."""

from __future__ import annotations

import environ
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from .child import NotStarted, Say

DEMO = "demo"


def prepare(url: str, say: Say, *, own: bool) -> bool:
    """Migrate; whether `demo` may sign in. `own` tells a database that dev made itself."""
    # The settings were read before the embedded server had an address.
    settings.DATABASES[DEFAULT_DB_ALIAS].update({"OPTIONS": {}} | environ.Env.db_url_config(url))
    try:
        migrate(say)
        return welcome_demo(own=own)
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise NotStarted(f"The database cannot be used: {reason}") from error
    finally:
        connections.close_all()


def migrate(say: Say) -> None:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    say("Migrations", f"{missing} applied" if missing else "up to date")


def welcome_demo(*, own: bool) -> bool:
    """Whether there is a `demo`: made where it is missing, but never among other people."""
    users = get_user_model()._default_manager
    if users.filter(username=DEMO).exists():
        return True
    if not own and users.exists():
        return False
    get_user_model().objects.create_superuser(DEMO, password=DEMO)
    return True
