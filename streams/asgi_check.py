"""Checks that the ASGI module of a site wraps its application in `WithStreams`."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings


def reason_for_polling() -> str:
    """Returns why streams would be answered by polling, "" if the module uses WithStreams. The
    module is imported if its text does not name WithStreams, which another module may apply.
    """
    package = settings.ROOT_URLCONF.partition(".")[0]
    named = getattr(settings, "ASGI_APPLICATION", "") or f"{package}.asgi.application"
    module = named.rpartition(".")[0]
    if "WithStreams" in source_of(module):
        return ""
    from . import asgi  # the reading half, which no worker needs

    why = f"{module} makes no WithStreams"
    try:
        import_module(module)
    except Exception as error:
        why = f"{module} cannot be imported ({error})"
    return "" if asgi.made else why


def source_of(module: str) -> str:
    """Its text, or nothing where there is none."""
    try:
        loader: Any = getattr(find_spec(module), "loader", None)
        return loader.get_source(module) or ""
    except (ImportError, AttributeError):
        return ""
