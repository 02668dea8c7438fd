from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from streams.models import Conversation, Fault

from .base import Erasing, InspectedInline, ago, counted, exact, pill
from .devices import DeviceSessionInline
from .filters import RecentModel
from .indexed_search import HELP, conversations


class FaultInline(InspectedInline):
    """Why a conversation is set aside; `manage.py checklog --repair` mends what can be."""

    model = Fault
    verbose_name_plural = _("set aside")
    fields = ("act", "error", "times", "first", "last", "again")
    readonly_fields = fields
    first, last = exact("since", _("since")), exact("last_at", _("last tried"))
    again = exact("retry_at", _("tried again"))


class SetAside(admin.SimpleListFilter):
    title = _("set aside")
    parameter_name = "set_aside"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", gettext("Set aside"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        faults = Fault.objects.filter(conversation=OuterRef("pk"))
        return queryset.filter(Exists(faults)) if self.value() else queryset


@admin.register(Conversation)
class ConversationAdmin(Erasing):
    list_display = ("__str__", "state", "owner", "model", "runs_of", "last_seq", "age")
    list_filter = (
        SetAside,
        RecentModel,
        "on_busy",
        ("archived_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "updated_at",
    )
    list_select_related = ("owner",)
    ordering = ("-id",)
    search_fields = ("uuid",)  # and more: see get_search_results
    search_help_text = HELP
    fields = (
        *("title", "state", "owner", "model", "system", "on_busy", "runs_of"),
        *("last_seq", "lease_token", "active_run_id", "uuid"),
        *("created_at", "updated_at", "archived_at", "deleted_at"),
    )
    readonly_fields = fields
    inlines = (FaultInline, DeviceSessionInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        conversations: QuerySet[Conversation] = super().get_queryset(request)
        faults = Fault.objects.filter(conversation=OuterRef("pk"))
        return conversations.annotate(answers=counted("conversation"), faulty=Exists(faults))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return (queryset.filter(pk__in=conversations(text)) if text else queryset), False

    @admin.display(description=_("state"))
    def state(self, conversation: Conversation) -> SafeString:
        if conversation.faulty:  # type: ignore[attr-defined]
            return pill("set-aside")
        if conversation.deleted_at:
            return pill("deleted")
        if conversation.active_run_id:
            return pill("running")
        return pill("archived" if conversation.archived_at else "idle")

    @admin.display(description=_("runs"))
    def runs_of(self, conversation: Conversation) -> SafeString:
        url = reverse("admin:streams_run_changelist")
        count = conversation.answers  # type: ignore[attr-defined]
        return format_html('<a href="{}?q={}">{}</a>', url, conversation.uuid, count)

    @admin.display(description=_("last change"))
    def age(self, conversation: Conversation) -> str:
        return ago(conversation, "updated_at")
