"""What is found of the app by Django's own checks and loaders, printed as JSON."""

import json
import sys
from importlib import import_module
from pkgutil import walk_packages

import django

import streams

django.setup()

from django.contrib.staticfiles import finders  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db.migrations.loader import MigrationLoader  # noqa: E402
from django.template.loader import get_template  # noqa: E402

EXTRAS = ("openai", "anthropic", "aiohttp", "httpx2", "uvicorn", "environ", "whitenoise")


def not_installed() -> set[str]:
    """Returns the packages that modules of the app import and an installation without
    extras lacks.
    """
    names = set()
    for module in walk_packages(streams.__path__, "streams."):
        if module.name.endswith("__main__"):
            continue
        try:
            import_module(module.name)
        except ModuleNotFoundError as error:
            names.add(error.name or "")
    return names


call_command("check", fail_level="WARNING", stdout=sys.stderr)
call_command("makemigrations", "streams", check_changes=True, stdout=sys.stderr)
there = MigrationLoader(None).disk_migrations
print(
    json.dumps(
        {
            "package": streams.__file__,
            "page": get_template("streams/conversation.html").origin.name,
            "admin page": get_template("admin/streams/run/change_form.html").origin.name,
            "static file": finders.find("streams/css/base.css"),
            "migrations": sorted(name for app, name in there if app == "streams"),
            "imported": [name for name in EXTRAS if name in sys.modules],
            "not installed": sorted(not_installed()),
        }
    )
)
