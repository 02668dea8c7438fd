"""Sentences that pages and their scripts share, in the reader's language."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop, override, pgettext
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JSONCatalog

from streams.providers import base, stop_reason_words

DAYS = {
    "now": gettext_noop("Now"),
    "pinned": gettext_noop("Pinned"),
    "today": gettext_noop("Today"),
    "yesterday": gettext_noop("Yesterday"),
    "week": gettext_noop("Last 7 days"),
    "archived": gettext_noop("Archived"),
}
# So many numbers show which plural any number has: what is larger is told by its last two digits.
COUNTED = 200


def day_words(code: str) -> str:
    """Names a part of the list: `today`, or a month such as `2026-11`."""
    if code in DAYS:
        return gettext(DAYS[code])
    year, month = map(int, code.split("-"))
    first = date(year, month, 1)
    this_year = year == timezone.localdate().year
    name = pgettext("date format", "F") if this_year else pgettext("date format", "F Y")
    return date_format(first, name)


@lru_cache(maxsize=32)
def words(language: str) -> dict[str, Any]:
    """Returns what `static/streams/js/gettext.js` reads: the scripts' catalogue and those sentences
    of the log that they show. What is missing in it is shown in English; `plurals` holds the
    plural's index for each number, as one digit.
    """
    scripts = Scripts(language)
    catalog = scripts.get_catalog()
    told = (
        *base.SENTENCES.values(),
        *stop_reason_words.ENDINGS.values(),
        stop_reason_words.UNKNOWN_ENDING,
    )
    with override(language):
        catalog |= {text: gettext(text) for text in told if text and gettext(text) != text}
    plural = scripts.translation.plural
    return {
        "language": language,
        "catalog": catalog,
        "plurals": "".join(str(plural(number)) for number in range(COUNTED)),
        "endings": stop_reason_words.ENDINGS,
        "unknown": stop_reason_words.UNKNOWN_ENDING,
        "unfinished": stop_reason_words.UNFINISHED,
    }


class Scripts(JSONCatalog):
    """Reads the catalogue for scripts of this app alone and of `LOCALE_PATHS`, as Django does for
    all.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        paths = self.get_paths(["streams"])
        self.translation: Any = DjangoTranslation(language, domain=self.domain, localedirs=paths)
