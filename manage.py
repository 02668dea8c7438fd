#!/usr/bin/env python
"""Django's command line, with an embedded PostgreSQL when no DATABASE_URL names another."""

import os
import sys

# These run for long and answer many; any other command needs one connection, and a pool would
# only make it wait to hear why there is none.
POOLED = ("benchmark", "dev", "runserver", "runworker")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatstream.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError

    from chatstream.dev.environment import fill_in
    from streams.postgres.embedded import EmbeddedPostgresError

    if not set(POOLED) & set(sys.argv[1:2]):
        os.environ["DATABASE_POOL_SIZE"] = "0"
    try:
        fill_in(sys.argv[1:])
        execute_from_command_line(sys.argv)
    except (EmbeddedPostgresError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None):
            raise  # PostgreSQL was there, and refused a statement
        sys.exit(f"The database cannot be used: {str(error).strip().splitlines()[0]}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
