#!/usr/bin/env python
"""Django's command line, with an embedded PostgreSQL when no DATABASE_URL names another."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatstream.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from chatstream.dev.environment import fill_in
    from chatstream.embedded import EmbeddedPostgresError

    try:
        fill_in(sys.argv[1:])
        execute_from_command_line(sys.argv)
    except (EmbeddedPostgresError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
