"""The tests' settings: a throwaway PostgreSQL of their own, never the developer's data."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "tests-" + "k" * 50)
os.environ.setdefault("LOG_LEVEL", "WARNING")
if "DATABASE_URL" not in os.environ:
    if "pytest" in sys.modules:
        from streams.postgres import embedded

        os.environ["DATABASE_URL"] = embedded.start(
            Path(tempfile.mkdtemp(prefix="chatstream-tests-")), throwaway=True
        )
    else:  # mypy reads these settings too, and would leave the server behind
        os.environ["DATABASE_URL"] = "postgresql:///"

if "ATTACHMENTS_FOLDER" not in os.environ:  # else it is that of the tests that started this
    os.environ["ATTACHMENTS_FOLDER"] = tempfile.mkdtemp(prefix="chatstream-attached-")
    atexit.register(shutil.rmtree, os.environ["ATTACHMENTS_FOLDER"], ignore_errors=True)

from chatstream.settings import *  # noqa: F403
from streams.conf import UNLIMITED

# Every process that a test starts would compile every module again: a second and a half of a core.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Crowds of one person, as under `manage.py dev`; the tests of limits set their own.
STREAMS = UNLIMITED | STREAMS  # noqa: F405

# Tests count events; those about titles ask for them. And most are answered by a script.
STREAMS = {"title_within": 0.0, **STREAMS, "scripts": True}
STREAMS["image_hosts"] = ["images.example.com"]
STREAMS["agents"] = {"shop": "tests.agents.shop.shop", **STREAMS["agents"]}

# With a page of a site that has a conversation in it.
ROOT_URLCONF = "tests.urls"

# Signing in is part of nearly every test; a slow hash would only test patience.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES |= {  # noqa: F405
    "staticfiles": {"BACKEND": "chatstream.storage.PlainStaticFiles"},
}
# Looked for when asked for: every test client, and every process, would read them all first.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
# A browser keeps them for as long as the tests last, as it does those whose names have a hash.
WHITENOISE_MAX_AGE = 3600

if "CHATSTREAM_CHILD" not in os.environ:
    # A pool outlives the test that opened it, and the database cannot be dropped under it.
    DATABASES["default"]["OPTIONS"].pop("pool", None)  # noqa: F405
