from __future__ import annotations

from django.contrib import admin
from django.template.defaultfilters import filesizeformat

from streams.models import Attachment
from streams.user_model import sign_in_name

from .base import Erasing


@admin.register(Attachment)
class AttachmentAdmin(Erasing):
    """Attached files, without what is in them: deleting one deletes its file soon after."""

    list_display = ("name", "type", "bytes", "owner", "conversation", "created_at")
    list_filter = ("type", ("conversation", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("owner", "conversation")
    search_fields = ("name", "sha256", "uuid", sign_in_name("owner"))
    fields = (*list_display, "message", "width", "height", "sha256", "uuid", "place")
    readonly_fields = fields

    @admin.display(description="size", ordering="size")
    def bytes(self, attachment: Attachment) -> str:
        return filesizeformat(attachment.size)
