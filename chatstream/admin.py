"""This project's people in the admin, and invitations to them; another site keeps its own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

from chatstream.models import Invitation
from streams.admin.base import log_deletions_by_key
from streams.models import Device

admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """Django's own admin of users, which also ends a person's streams on every device within a
    second of losing access here.
    """

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            Device.revoke_all_of(obj.pk)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        changed = request.method == "POST" and response.status_code == 302
        if changed and (person := self.get_object(request, id)):
            here = getattr(request, "device", None) if person == request.user else None
            Device.revoke_all_of(person.pk, but=here)
        return response

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return log_deletions_by_key(self, request, queryset)


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Making one shows its link, once. Deleting one takes it back."""

    list_display = ("__str__", "created_at", "created_by", "expires_at", "used_at", "person")
    fields = ("note", "expires_at")
    search_fields = ("note",)
    list_select_related = ("created_by", "person")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        token = obj.renew()
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)
        link = request.build_absolute_uri(reverse("invitation", args=[token]))
        told = gettext("Copy the link now, it is shown only once:")
        messages.success(request, format_html("{} <code>{}</code>", told, link))
