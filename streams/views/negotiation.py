"""Decides whether a request is answered with HTML or JSON."""

from __future__ import annotations

from django.http import HttpRequest

from streams import access_tokens

JSON = "application/json"
HTML = "text/html"


def wants_json(request: HttpRequest) -> bool:
    """Tells whether to answer with JSON: always to an access token, else by the Accept header or
    the kind of body that was sent. A header that cannot be read counts as a person's.
    """
    if access_tokens.bearer(request.headers.get("Authorization")):
        return True
    try:
        request.accepted_types  # noqa: B018
    except ValueError:
        return False
    preferred = request.get_preferred_type([HTML, JSON])
    if preferred == HTML and request.content_type == JSON:
        return not any(str(accepted) == HTML for accepted in request.accepted_types)
    return preferred == JSON
