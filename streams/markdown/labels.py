"""Words that rendered HTML has of the page's own: put in last, since the HTML is kept for all."""

from __future__ import annotations

from django.utils.translation import gettext

COPY = 'class="code-copy">Copy</button>'


def labelled(html: str) -> str:
    """Names the buttons in the reader's language. No text can look like one: its < is escaped."""
    words = gettext("Copy")
    return html if words == "Copy" else html.replace(COPY, COPY.replace("Copy<", f"{words}<"))
