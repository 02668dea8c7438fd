"""What a server is told to serve."""

from django.core.asgi import get_asgi_application

from streams.asgi import WithStreams

application = WithStreams(get_asgi_application())
