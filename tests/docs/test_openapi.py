"""The description of the API matches the routes, the shapes and the reference."""

from __future__ import annotations

from docs import openapi


def test_what_is_written_is_what_the_sources_say():
    """Else run `uv run docs/openapi.py`; see `streams.views.openapi_operations` too."""
    assert openapi.WRITTEN.read_text() == openapi.text()
