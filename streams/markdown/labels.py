"""Puts the page's own words into rendered HTML last, since the HTML is cached for all languages."""

from __future__ import annotations

from django.utils.translation import gettext

COPY = 'type="button" class="code-copy">Copy</button>'
SHOW = 'type="button" class="image-show">Show image</button>'


def labelled(html: str) -> str:
    """Labels the buttons in the reader's language. No text can pass for a button: its < is
    escaped.
    """
    for button, words in ((COPY, gettext("Copy")), (SHOW, gettext("Show image"))):
        label = button[button.index(">") :].removesuffix("</button>")
        if label != f">{words}":
            html = html.replace(button, button.replace(label, f">{words}"))
    return html
