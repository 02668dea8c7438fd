"""Which of the two faces of a resource a request asks for."""

from __future__ import annotations

from django.http import HttpRequest

JSON = "application/json"
HTML = "text/html"


def wants_json(request: HttpRequest) -> bool:
    """What it accepts decides; one that takes anything is answered as it speaks, and one
    whose header cannot be read as a person."""
    try:
        request.accepted_types  # noqa: B018
    except ValueError:
        return False
    preferred = request.get_preferred_type([HTML, JSON])
    if preferred == HTML and request.content_type == JSON:
        return not any(str(accepted) == HTML for accepted in request.accepted_types)
    return preferred == JSON
