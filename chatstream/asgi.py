"""What uvicorn and gunicorn serve: `chatstream.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatstream.settings")
django = get_asgi_application()

from django.urls import get_resolver  # noqa: E402  (needs the apps to be ready)

from streams.asgi import WithStreams  # noqa: E402

# Now, and not while the first to come wait for all views to be imported.
get_resolver().url_patterns  # noqa: B018

application = WithStreams(django)
