"""Base classes of the admin's pages, on which rows are shown and never edited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from streams.models import Run
from streams.postgres import clock

from .paging import LongPaginator
from .state_words import worded

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Admin = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
else:
    Admin = admin.ModelAdmin
    Inline = admin.TabularInline

NOTHING = "–"


class Inspected(Admin):
    """A read-only admin: the columns are written under locks that the admin's forms do not take."""

    show_full_result_count = False
    list_per_page = 50
    paginator = LongPaginator
    sortable_by: ClassVar[tuple[str, ...]] = ()  # a million rows are sorted by their key alone

    class Media:
        css = {"all": ["streams/css/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return clock.dated(super().get_queryset(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuses deletion on the row's own pages, and allows it as a part of another deletion:
        when the site's admin deletes a person, nothing of theirs may stay.
        """
        match = request.resolver_match
        own = f"{self.opts.app_label}_{self.opts.model_name}_"
        return obj is not None and not (match and (match.url_name or "").startswith(own))


class Erasing(Inspected):
    """A read-only admin whose rows can be deleted, with all that belongs to them, by permission."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        right = f"{self.opts.app_label}.delete_{self.opts.model_name}"
        return request.user.has_perm(right) or super().has_delete_permission(request, obj)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return log_deletions_by_key(self, request, queryset)


def log_deletions_by_key(of: Admin, request: HttpRequest, queryset: Any) -> Any:
    """Names deleted rows by their key in the admin's log, where a title or a name would outlive
    them.
    """
    kind = ContentType.objects.get_for_model(of.model)
    known = {"user_id": request.user.pk, "content_type": kind, "action_flag": DELETION}
    said = [
        LogEntry(object_id=each.pk, object_repr=f"{of.opts.verbose_name} {each.pk}", **known)
        for each in queryset
    ]
    return LogEntry.objects.bulk_create(said)


class InspectedInline(Inline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def counted(owner: str, **only: Any) -> Coalesce:
    """Returns an expression for how many runs a row has; a subquery, so that a page counts for its
    own rows alone.
    """
    runs = Run.objects.filter(**{owner: OuterRef("pk")}, **only).order_by()
    return Coalesce(Subquery(runs.values(owner).annotate(n=Count("pk")).values("n")), 0)


def pill(state: str, why: str = "") -> SafeString:
    """A word on its colour; the colour alone never carries the meaning."""
    return format_html('<span class="pill pill-{}">{}</span> {}', state, worded(state), why)


def exact(name: str, description: StrOrPromise) -> Callable[[Any, Any], str]:
    """A column of times to the millisecond: on call, the minute is not enough."""

    @admin.display(description=description)
    def shown(_: Any, row: Any) -> str:
        at = getattr(row, name)
        return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S.%f}"[:-3] if at else NOTHING

    return shown


def span(length: timedelta | float | None) -> str:
    """A length of time at a glance."""
    if length is None:
        return NOTHING
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def ago(row: Model, name: str) -> str:
    """Says how long ago a time was, by the clock of the database."""
    return gettext("%(time)s ago") % {"time": age(row, name)}


def age(row: Model, name: str) -> str:
    """Says how old a row is, by the clock of the database."""
    moment: datetime = getattr(row, name)
    return span(max(clock.of(row) - moment, timedelta()))
