"""Says how long ago something was, in words."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext, pgettext


def ago(moment: datetime, now: datetime) -> str:
    """Says how long ago in words."""
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 60:
        count = max(minutes, 1)
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", count) % {"count": count}
    days = (timezone.localdate(now) - timezone.localdate(moment)).days
    if days == 0 or minutes < 6 * 60:
        count = minutes // 60
        return ngettext("%(count)d hour ago", "%(count)d hours ago", count) % {"count": count}
    if days == 1:
        return gettext("yesterday")
    if days < 7:
        return ngettext("%(count)d day ago", "%(count)d days ago", days) % {"count": days}
    local = timezone.localtime(moment)
    this_year = local.year == now.year
    day = pgettext("date format", "j F") if this_year else pgettext("date format", "j F Y")
    return gettext("on %(day)s") % {"day": date_format(local, day)}
