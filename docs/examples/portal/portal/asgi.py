import os

from django.core.asgi import get_asgi_application

from streams.asgi import WithStreams

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = WithStreams(get_asgi_application())
