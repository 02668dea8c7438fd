"""Prepares the database for `manage.py dev`: migrates it and creates the user `demo`."""

from __future__ import annotations

from collections.abc import Sequence

import environ
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.crypto import salted_hmac

from .child import NotStarted, Say

DEMO = "demo"


def prepare(url: str, say: Say, *, own: bool, alone: bool, secret: str) -> str | None:
    """Migrate; the password of `demo`, if there is one to sign in as.

    `own` tells a database that dev made itself, `alone` that this computer alone reaches it.
    """
    # The settings were read before the embedded server had an address.
    settings.DATABASES[DEFAULT_DB_ALIAS].update({"OPTIONS": {}} | environ.Env.db_url_config(url))
    try:
        migrate(say)
        hard = salted_hmac(DEMO, DEMO, secret=secret).hexdigest()[:12]
        return welcome_demo(own, DEMO if own and alone else hard, (DEMO, hard))
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


def welcome_demo(own: bool, password: str, ours: Sequence[str]) -> str | None:
    """Made where it is missing, but never among other people; given `password` unless somebody
    has given it one that is not ours. A superuser whose password is in the README is for one's
    own computer alone."""
    users = get_user_model()._default_manager
    demo = users.filter(username=DEMO).first()
    if demo is None:
        if not own and users.exists():
            return None
        get_user_model().objects.create_superuser(DEMO, password=password)
    elif not demo.check_password(password):
        if not any(demo.check_password(each) for each in ours if each != password):
            return None
        demo.set_password(password)
        demo.save(update_fields=["password"])
    return password
