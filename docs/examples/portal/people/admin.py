from django.contrib import admin

from .models import Device, Member


class DeviceInline(admin.TabularInline):
    model = Device
    extra = 0


@admin.register(Member)
class MemberAdmin(admin.ModelAdmin):
    list_display = ["full_name", "email", "is_staff"]
    search_fields = ["email", "full_name"]
    fields = ["email", "full_name", "is_staff"]
    inlines = [DeviceInline]
