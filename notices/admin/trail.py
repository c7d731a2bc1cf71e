"""The audit trail in admin: to search, to read and to take along, for nobody to change."""

from django.contrib import admin
from django.db.models import Q

from notices.models import TrailEntry

from .exporting import ExportAdmin
from .listing import TimeFilter
from .scoped import StaffAdmin


@admin.register(TrailEntry)
class TrailEntryAdmin(ExportAdmin, StaffAdmin):
    list_display = ("at", "username", "action", "content_type", "target", "organisation", "address")
    list_filter = (("at", TimeFilter), "action", "organisation")
    list_select_related = ("content_type", "organisation")
    search_fields = ("id",)  # that there is a search; get_search_results says where it looks
    search_help_text = "用户名、对象（例如公示编号）、对象编号或来源地址；要写完整。"
    actions = None

    def get_search_results(self, request, queryset, search_term):
        """Whole names only, which indexes know: the trail has millions of lines."""
        typed = search_term.strip().replace("\0", "")
        asked = Q(username=typed) | Q(target=typed) | Q(object_id=typed) | Q(address=typed)
        return (queryset.filter(asked) if typed else queryset), False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
