"""The queue as a file: what was done with whom it came from left out, or with it, and then each objection in the trail."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from notices.admin.exporting import ExportAdmin
from objections.keyring import ring

from .revealing import REVEAL, record_view

PERSONAL = ("kind", "name", "phone", "email", "content")
MOST = 1_000  # rows with personal data in one file


class TakenAlong(ExportAdmin):
    """Who said it is in no file, except in one that answers the press of a button of its own."""

    export_display = (
        "number",
        "reference",
        "notice",
        "channel",
        "received_on",
        "late",
        "status_label",
        "due_label",
        "finding",
        "assigned_to",
    )

    def get_urls(self):
        view = self.admin_site.admin_view(never_cache(require_POST(self.export_personal)))
        return [path("export-personal.xlsx", view, name="objections_objection_export_personal"), *super().get_urls()]

    def export_personal(self, request):
        """The same rows with names, contacts and what was said; the trail names every one of them."""
        if not (request.user.has_perm(REVEAL) and self.has_view_permission(request)):
            raise PermissionDenied
        with transaction.atomic():
            return self.taken_along(request, "xlsx", (*self.export_display, *PERSONAL), MOST)

    def for_export(self, rows, columns):
        """Nothing is decrypted that the file does not show."""
        if columns == self.export_display:
            return rows.impersonal()
        ring.open(rows.values_list("data_key", flat=True)[:MOST])
        return rows

    def tell(self, request, form, columns, rows):
        super().tell(request, form, columns, rows)
        if columns != self.export_display:
            for each in rows:
                record_view(request, each, each, exported=True)

    @admin.display(description="公示编号")
    def reference(self, objection):
        return objection.notice.reference
