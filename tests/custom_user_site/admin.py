from django.contrib import admin

from .models import Account


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    """As the site has it; its staff may delete accounts and know nothing of conversations."""

    list_display = ("email",)
    ordering = ("email",)
