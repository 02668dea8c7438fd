"""What is found of the app by Django's own checks and loaders, printed as JSON."""

import json
import sys

import django

import streams

django.setup()

from django.contrib.staticfiles import finders  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db.migrations.loader import MigrationLoader  # noqa: E402
from django.template.loader import get_template  # noqa: E402

call_command("check", fail_level="WARNING", stdout=sys.stderr)
call_command("makemigrations", "streams", check_changes=True, stdout=sys.stderr)

found = {
    "package": streams.__file__,
    "page": get_template("streams/conversation.html").origin.name,
    "admin page": get_template("admin/streams/run/change_form.html").origin.name,
    "static file": finders.find("streams/css/base.css"),
}
there = MigrationLoader(None).disk_migrations
surplus = ("openai", "anthropic", "aiohttp", "httpx2", "uvicorn", "environ", "whitenoise")
print(
    json.dumps(
        found
        | {
            "migrations": sorted(name for app, name in there if app == "streams"),
            "imported": [name for name in surplus if name in sys.modules],
        }
    )
)
