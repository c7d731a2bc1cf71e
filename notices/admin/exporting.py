"""Lists as files: what a list shows, filtered as it is, as Excel or CSV; who took it stands in the trail."""

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import display_for_field, label_for_field, lookup_field
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices import sheets
from notices.attachments import MEDIA_TYPES
from notices.models import TrailEntry

FORMS = ("xlsx", "csv")
MOST = 10_000  # rows of one file


class ExportAdmin(admin.ModelAdmin):
    """A list that can be taken along, with the columns that it shows, or those of `export_display`."""

    export_display: tuple[str, ...] = ()

    def get_urls(self):
        view = self.admin_site.admin_view(never_cache(require_safe(self.export)))
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [
            *(path(f"export.{form}", view, {"form": form}, f"{name}_{form}") for form in FORMS),
            *super().get_urls(),
        ]

    def export(self, request, form):
        """The rows that the list shows under the filters of the address, all its pages."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.taken_along(request, form, self.export_display or self.list_display)

    def taken_along(self, request, form: str, columns: tuple[str, ...], most: int = MOST):
        """The file, or the list again with a message when there are more than `most` rows."""
        listed = redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        try:
            found = self.for_export(self.get_changelist_instance(request).queryset, columns)
        except IncorrectLookupParameters:
            return listed
        rows = list(found[: most + 1])
        if len(rows) > most:
            messages.error(request, f"超过 {most} 行，没有导出；请先筛选，分几次导出。")
            return listed
        self.tell(request, form, columns, rows)
        return self._file(form, columns, rows)

    def for_export(self, rows, columns: tuple[str, ...]):
        """The rows with what these columns show."""
        return rows

    def tell(self, request, form: str, columns: tuple[str, ...], rows: list) -> None:
        """The trail says who took how many rows of what."""
        told = {"list": self.opts.label, "rows": len(rows), "format": form}
        TrailEntry.objects.record(TrailEntry.Action.EXPORTED, by=request.user, request=request, **told)

    def _file(self, form: str, columns: tuple[str, ...], rows: list):
        head = [label_for_field(name, self.model, self) for name in columns]
        cells = [head, *([_shown(row, name, self) for name in columns] for row in rows)]
        title = str(self.opts.verbose_name)
        content = sheets.to_csv(cells) if form == "csv" else sheets.to_xlsx([(title, cells)], [24] * len(head))
        name = f"{title}{timezone.localdate():%Y%m%d}.{form}"
        headers = {"Content-Disposition": content_disposition_header(True, name), "X-Content-Type-Options": "nosniff"}
        return HttpResponse(content, content_type=MEDIA_TYPES.get(form, "text/csv; charset=utf-8"), headers=headers)


def _shown(row, name: str, model_admin) -> str:
    """One cell as the list shows it; "" for what is not there."""
    field, _, value = lookup_field(name, row, model_admin)
    if value is None:
        return ""
    return str(display_for_field(value, field, "") if field and not field.is_relation else value)
