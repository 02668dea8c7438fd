"""What uvicorn and gunicorn serve: `chatstream.asgi:application`."""

import logging
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatstream.settings")
django.setup(set_prefix=False)

from django.urls import get_resolver  # noqa: E402  (needs the apps to be ready)

from chatstream.static_files_server import WithStaticFiles  # noqa: E402
from streams.asgi import WithStreams  # noqa: E402
from streams.gc_freeze import freeze_startup_objects  # noqa: E402
from streams.http.handler import OneThreadHandler  # noqa: E402
from streams.http.request_bounds import WithBounds  # noqa: E402
from streams.static_files_check import uncollected  # noqa: E402

# Now, and not while the first to come wait for all views to be imported.
get_resolver().url_patterns  # noqa: B018

application = WithBounds(WithStaticFiles(WithStreams(OneThreadHandler())))
# A thread that formats a long text gives way to each of the others after so many seconds; with the
# 5 ms that Python has by default one person's texts double the time of everybody's requests.
sys.setswitchinterval(0.0005)
if missing := uncollected():
    logging.getLogger(__name__).error(missing)
freeze_startup_objects()
