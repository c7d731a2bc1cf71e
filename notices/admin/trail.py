"""The audit trail in admin: to search and to read, for nobody to change."""

from django.contrib import admin

from notices.models import TrailEntry

from .scoped import StaffAdmin


@admin.register(TrailEntry)
class TrailEntryAdmin(StaffAdmin):
    list_display = ("at", "username", "action", "content_type", "target", "organisation", "address")
    list_filter = ("action", "organisation")
    list_select_related = ("content_type", "organisation")
    search_fields = ("username", "target", "address", "=object_id")
    search_help_text = "用户名、对象、来源地址，或对象编号。"
    date_hierarchy = "at"
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
