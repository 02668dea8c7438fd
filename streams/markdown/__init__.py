"""Markdown to HTML, whole or while it still grows."""

from .rendering import (
    CLEANER,
    TAGS,
    Growing,
    fresh,
    kept,
    render,
    render_block,
    render_open,
    split,
)

__all__ = [
    "CLEANER",
    "TAGS",
    "Growing",
    "fresh",
    "kept",
    "render",
    "render_block",
    "render_open",
    "split",
]
