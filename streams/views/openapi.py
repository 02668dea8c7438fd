"""`/openapi.json`, the description of the app's own HTTP API, and `/openapi/`, a page to try it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
from django.apps import apps
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext

from streams.exceptions import NotFound

from .pages import render
from .resource import Request, Resource

WRITTEN = Path(__file__).resolve().parent.parent / "openapi.json"
SWAGGER = "drf_spectacular_sidecar"  # Swagger UI as static files of Django's


class OpenAPI(Resource):
    def get(self, request: Request) -> HttpResponse:
        here = {"url": reverse("streams:home").rstrip("/") or "/"}
        return JsonResponse(written() | {"servers": [here]})


class ApiPage(Resource):
    def get(self, request: Request) -> HttpResponse:
        """Raises NotFound on a site that has not installed Swagger UI."""
        if not is_there():
            raise NotFound(gettext("This site has no page to try its API."))
        return render(request, "streams/openapi.html")


def is_there() -> bool:
    """Tells whether the site has a page to try its API."""
    return apps.is_installed(SWAGGER)


@cache
def written() -> dict[str, Any]:
    """Returns what `docs/openapi.py` has written."""
    found: dict[str, Any] = orjson.loads(WRITTEN.read_bytes())
    return found
