from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from streams.models import Conversation

from .base import Inspected, ago, counted, pill
from .devices import DeviceSessionInline


@admin.register(Conversation)
class ConversationAdmin(Inspected):
    list_display = ("__str__", "state", "owner", "model", "runs_of", "last_seq", "age")
    list_filter = (
        "model",
        "on_busy",
        ("archived_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "updated_at",
    )
    list_select_related = ("owner",)
    ordering = ("-id",)
    search_fields = ("title", "owner__username", "uuid")
    fields = (
        *("title", "state", "owner", "model", "system", "on_busy", "runs_of"),
        *("last_seq", "lease_token", "active_run_id", "uuid"),
        *("created_at", "updated_at", "archived_at", "deleted_at"),
    )
    readonly_fields = fields
    inlines = (DeviceSessionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        conversations: QuerySet[Conversation] = super().get_queryset(request)
        return conversations.annotate(answers=counted("conversation"))

    @admin.display(description="state")
    def state(self, conversation: Conversation) -> SafeString:
        if conversation.deleted_at:
            return pill("deleted")
        if conversation.active_run_id:
            return pill("running")
        return pill("archived" if conversation.archived_at else "idle")

    @admin.display(description="runs", ordering="answers")
    def runs_of(self, conversation: Conversation) -> SafeString:
        url = reverse("admin:streams_run_changelist")
        count = conversation.answers  # type: ignore[attr-defined]
        return format_html('<a href="{}?q={}">{}</a>', url, conversation.uuid, count)

    @admin.display(description="last change", ordering="updated_at")
    def age(self, conversation: Conversation) -> str:
        return f"{ago(conversation.updated_at)} ago"
