from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from streams.models import Device, DeviceSession
from streams.postgres import clock

from .base import Erasing, InspectedInline, ago, pill
from .indexed_search import begun_uuid, devices, people


class DeviceSessionInline(InspectedInline):
    """Which conversations a device has open, or which devices a conversation is open on."""

    model = DeviceSession
    fields = ("device", "conversation", "read_seq", "seen", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeviceSession]:
        related = super().get_queryset(request).select_related("device", "conversation")
        return clock.dated(related).order_by("-last_seen_at")

    @admin.display(description=_("last seen"))
    def seen(self, session: DeviceSession) -> str:
        return ago(session, "last_seen_at")


@admin.register(Device)
class DeviceAdmin(Erasing):
    list_display = ("name", "kind", "user", "state", "seen", "created_at")
    list_filter = (
        "kind",
        ("signed_out_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
        "last_seen_at",
    )
    list_select_related = ("user",)
    ordering = ("-id",)
    search_fields = ("uuid",)  # and more: see get_search_results
    search_help_text = _("A uuid or its beginning, a part of the owner's name, or its name")
    fields = (*list_display, "uuid", "user_agent", "last_seen_at", "signed_out_at", "revoked_at")
    readonly_fields = fields
    inlines = (DeviceSessionInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not (text := search_term.strip()):
            return queryset, False
        named = Q(user__in=people(text)) | Q(pk__in=devices(text))
        return queryset.filter(begun_uuid(text) | named), False

    @admin.display(description=_("state"))
    def state(self, device: Device) -> SafeString:
        if device.revoked_at:
            return pill("revoked")
        return pill("signed-out" if device.signed_out_at else "known")

    @admin.display(description=_("last seen"))
    def seen(self, device: Device) -> str:
        return ago(device, "last_seen_at")
