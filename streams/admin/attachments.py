from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from streams.models import Attachment

from .base import Erasing
from .filters import RecentType
from .indexed_search import attachments, begun_uuid, people


@admin.register(Attachment)
class AttachmentAdmin(Erasing):
    """Attached files, without what is in them: deleting one deletes its file soon after."""

    list_display = ("name", "type", "bytes", "owner", "conversation", "created_at")
    list_filter = (RecentType, ("conversation", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("owner", "conversation")
    ordering = ("-id",)
    search_fields = ("uuid",)  # and more: see get_search_results
    search_help_text = _(
        "A uuid or hash or its beginning, a part of the owner's name, or of the file's"
    )
    fields = (*list_display, "message", "width", "height", "sha256", "uuid", "place")
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not (text := search_term.strip()):
            return queryset, False
        named = Q(owner__in=people(text)) | Q(pk__in=attachments(text))
        return queryset.filter(begun_uuid(text) | named), False

    @admin.display(description=_("size"), ordering="size")
    def bytes(self, attachment: Attachment) -> str:
        return filesizeformat(attachment.size)
