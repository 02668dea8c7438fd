"""Pages for people, inside the base template that the site has chosen."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as render_template

from streams.conf import conf


def render(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A page of ours. `STREAMS["base_template"]` has blocks `title`, `head` and `content`."""
    context = {"base_template": conf().base_template, **(context or {})}
    return render_template(request, template, context, status=status)
