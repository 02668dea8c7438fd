from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from streams.models import GoneWebhook

from .base import Inspected


@admin.register(GoneWebhook)
class GoneWebhookAdmin(Inspected):
    """Webhooks that nothing is sent to any more; deleting a row here resumes sending."""

    list_display = ("name", "gone_at")
    fields = list_display
    ordering = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: GoneWebhook | None = None) -> bool:
        return request.user.has_perm("streams.delete_gonewebhook")
