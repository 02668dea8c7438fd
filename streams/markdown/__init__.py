"""Renders Markdown to safe HTML, also while a text is still growing."""

from .cleaning import CLEANER, TAGS
from .rendering import (
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
